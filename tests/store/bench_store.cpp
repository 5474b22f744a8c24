// Append rate, commit latency and memory of the store. SL_TEST_TMP=/tmp measures the disk, else it is memory.
#include "harness.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>

namespace sl::testing {

using Clock = std::chrono::steady_clock;
using site::Stream;
using site::Urgency;

static double seconds_since(Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
}

static long resident_kb() {
    std::ifstream in{"/proc/self/statm"};
    long total = 0;
    long resident = 0;
    in >> total >> resident;
    return resident * 4;
}

static void rate(const char* what, std::size_t body, int records, std::size_t in_flight) {
    const TempDir dir;
    store::Options options = options_for(dir.path());
    options.max_bytes = 4ULL << 30U;
    Loop loop;
    store::Store store{options, loop.post(), loop.after()};
    int committed = 0;
    int commits = 0;
    store.on_commit([&](std::span<const site::RecordPtr> batch) {
        committed += static_cast<int>(batch.size());
        ++commits;
    });
    const auto start = Clock::now();
    int sent = 0;
    while (committed < records) {
        while (sent < records && sent - committed < static_cast<int>(in_flight)) {
            store.append(record(Stream::telemetry, std::string(body, 'x')), Urgency::now);
            ++sent;
        }
        loop.run_one();
    }
    const double took = seconds_since(start);
    std::printf("%s: %d records of %zu B, %.0f/s, %.0f a commit; resident %ld KB\n", what, records, body,
                records / took, static_cast<double>(records) / commits, resident_kb());
    const auto reading = Clock::now();
    bool done = false;
    store.read_pending(Stream::telemetry, records / 2, 1'000, 1U << 20U, [&](auto found) {
        done = true;
        std::printf("  read back %zu records", found.size());
    });
    loop.until([&] { return done; });
    std::printf(" in %.1f ms\n", seconds_since(reading) * 1e3);
}

static void latency(const char* what, bool with_telemetry) {
    const TempDir dir;
    Loop loop;
    store::Store store{options_for(dir.path()), loop.post(), loop.after()};
    std::vector<double> ms;
    for (int i = 0; i < 2'000; ++i) {
        if (with_telemetry)
            for (int n = 0; n < 6; ++n)
                store.append(record(Stream::telemetry, std::string(10'000, 'x')), Urgency::now);
        site::Outbox::CommandRecord command;
        command.id = "C" + std::to_string(i);
        bool done = false;
        const auto start = Clock::now();
        store.store_command(std::move(command), [&](bool) { done = true; });
        loop.until([&] { return done; });
        ms.push_back(seconds_since(start) * 1e3);
    }
    std::sort(ms.begin(), ms.end());
    std::printf("%s: commit of a command: median %.2f ms, p99 %.2f ms, worst %.2f ms\n", what,
                ms[ms.size() / 2], ms[ms.size() * 99 / 100], ms.back());
}

static void opening() {
    const TempDir dir;
    {
        Loop loop;
        const store::Store first{options_for(dir.path()), loop.post(), loop.after()};
    }
    Loop loop;
    const auto start = Clock::now();
    const store::Store again{options_for(dir.path()), loop.post(), loop.after()};
    std::printf("opening a small store: %.1f ms\n", seconds_since(start) * 1e3);
}

}  // namespace sl::testing

int main() {
    sl::testing::opening();
    sl::testing::latency("idle", false);
    sl::testing::latency("behind 6 records of 10 KB", true);
    sl::testing::rate("batches of 100", 400, 300'000, 100);
    sl::testing::rate("a million waiting", 400, 1'000'000, 2'000);
    sl::testing::rate("large records", 10'000, 20'000, 100);
}
