#include "gateway/site/log.hpp"

#include <utility>

namespace sl::site {
namespace {

// Written once at start, before any other thread exists; read only afterwards.
struct Log {
    LogSink sink;
    LogLevel lowest = LogLevel::info;
};
Log& instance() {
    static Log log;
    return log;
}

}  // namespace

void set_log_sink(LogSink sink, LogLevel lowest) {
    instance().sink = std::move(sink);
    instance().lowest = lowest;
}

void log(LogLevel level, std::string_view area, std::string_view text) {
    const Log& current = instance();
    if (current.sink && level >= current.lowest) current.sink(level, area, text);
}

}  // namespace sl::site
