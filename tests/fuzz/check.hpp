// Invariants of the fuzz targets: a broken one ends the process, so that libFuzzer keeps the input.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace sl::fuzz {

inline void require(bool holds, const char* what) {
    if (holds) return;
    std::fprintf(stderr, "broken invariant: %s\n", what);
    std::abort();
}

}  // namespace sl::fuzz
