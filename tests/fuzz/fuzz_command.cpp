// Any bytes as a command: never a crash, never an exception; what is accepted says the same when it is
// written and read again, and lies within the limits of the contract.
#include "gateway/northbound/command_parser.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const std::string text{data, data + size};
    const auto result = sl::northbound::parse_command(text);
    if (const auto* rejection = std::get_if<sl::northbound::Rejection>(&result)) {
        if (rejection->code == sl::site::Code::ok || rejection->message.empty()) std::abort();
        return 0;
    }
    const auto& parsed = std::get<sl::northbound::ParsedCommand>(result);
    if (parsed.ttl.count() < 1 || parsed.ttl.count() > 3'600 || parsed.command.id.empty()) std::abort();
    const auto once = sl::northbound::render_command(parsed);
    const auto again = sl::northbound::parse_command(once);
    const auto* same = std::get_if<sl::northbound::ParsedCommand>(&again);
    if (same == nullptr || sl::northbound::render_command(*same) != once) std::abort();
    return 0;
}
