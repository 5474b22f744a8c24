#include "gateway/northbound/topics.hpp"

#include <algorithm>

namespace sl::northbound {
namespace {

bool alnum(char c) noexcept {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

constexpr std::array streams{site::Stream::event, site::Stream::reply, site::Stream::state,
                             site::Stream::energy, site::Stream::telemetry};
static_assert(streams.size() == site::stream_count);

}  // namespace

bool valid_name(std::string_view name) noexcept {
    if (name.empty() || name.size() > 32 || !alnum(name.front())) return false;
    return std::all_of(name.begin(), name.end(), [](char c) { return alnum(c) || c == '_' || c == '-'; });
}

Topics::Topics(const std::string& root, const std::string& site, const std::string& gateway)
    : base_(root + "/v1/" + site + "/" + gateway + "/"),
      status_(base_ + "status"),
      diag_(base_ + "diag"),
      own_filter_(base_ + "cmd/+"),
      site_filter_(root + "/v1/" + site + "/_all/cmd/+"),
      reply_prefix_(root + "/v1/" + site + "/_reply/") {
    for (const auto stream : streams) {
        live_[index(stream)] = base_ + std::string{name(stream)};
        history_[index(stream)] = base_ + "hist/" + std::string{name(stream)};
    }
}

std::string Topics::meta(std::size_t page) const {
    return base_ + "meta/" + std::to_string(page);
}

std::string Topics::of(const site::Record& record, bool hist) const {
    if (hist) return history(record.stream);
    return record.topic_suffix.empty() ? live(record.stream) : base_ + record.topic_suffix;
}

std::optional<Topics::CommandTopic> Topics::command(std::string_view topic) const {
    const auto below = [&](const std::string& filter) -> std::string_view {
        const std::string_view prefix{filter.data(), filter.size() - 1};
        return topic.starts_with(prefix) ? topic.substr(prefix.size()) : std::string_view{};
    };
    if (const auto own = below(own_filter_); valid_name(own)) return CommandTopic{std::string{own}, false};
    if (const auto all = below(site_filter_); valid_name(all)) return CommandTopic{std::string{all}, true};
    return std::nullopt;
}

bool Topics::may_reply_to(std::string_view response_topic) const {
    return response_topic.size() > reply_prefix_.size() && response_topic.size() <= 512 &&
           response_topic.starts_with(reply_prefix_) &&
           response_topic.find_first_of(std::string_view{"+#\0", 3}) == std::string_view::npos;
}

}  // namespace sl::northbound
