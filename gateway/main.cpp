#include "gateway/app/app.hpp"
#include "gateway/app/options.hpp"

#include <cstdio>
#include <exception>
#include <malloc.h>
#include <string>

int main(int argc, char** argv) {
    using sl::app::Exit;
    // Few threads, little allocation: an arena for each would only cost memory.
    ::mallopt(M_ARENA_MAX, 1);
    std::string why;
    const auto options = sl::app::parse_options(argc, argv, why);
    if (!options) {
        (void)std::fprintf(stderr, "streetlightd: %s\n", why.c_str());
        return static_cast<int>(Exit::usage);
    }
    if (options->help || options->version) {
        const std::string text =
            options->help ? sl::app::help_text() : std::string{"streetlightd " SL_VERSION "\n"};
        (void)std::fputs(text.c_str(), stdout);
        return static_cast<int>(Exit::done);
    }
    try {
        return static_cast<int>(options->check ? sl::app::check(*options) : sl::app::run(*options));
    } catch (const std::exception& error) {
        (void)std::fprintf(stderr, "streetlightd: %s\n", error.what());
        return static_cast<int>(Exit::failed);
    }
}
