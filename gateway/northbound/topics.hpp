// Topic names of the contract, section 2. R = {root}/v1/{site}/{gw}.
#pragma once

#include "gateway/site/outbox.hpp"

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace sl::northbound {

class Topics {
  public:
    Topics(const std::string& root, const std::string& site, const std::string& gateway);

    const std::string& status() const noexcept { return status_; }
    const std::string& diag() const noexcept { return diag_; }
    std::string meta(std::size_t page) const;  // pages from 1
    // Where a record goes; a suffix ("reported") replaces the stream's name on the live topic.
    const std::string& live(site::Stream stream) const noexcept { return live_[index(stream)]; }
    const std::string& history(site::Stream stream) const noexcept { return history_[index(stream)]; }
    std::string of(const site::Record& record, bool hist) const;

    const std::string& own_commands() const noexcept { return own_filter_; }    // R/cmd/+
    const std::string& site_commands() const noexcept { return site_filter_; }  // {root}/v1/{site}/_all/cmd/+

    struct CommandTopic {
        std::string principal;
        bool to_site = false;  // came by _all
    };
    std::optional<CommandTopic> command(std::string_view topic) const;
    // The only place below which a reply may be asked for by response topic. Wildcards are no topic.
    bool may_reply_to(std::string_view response_topic) const;

  private:
    static std::size_t index(site::Stream stream) noexcept { return static_cast<std::size_t>(stream); }
    std::string base_, status_, diag_, own_filter_, site_filter_, reply_prefix_;
    std::array<std::string, site::stream_count> live_, history_;
};

// Names of sites, gateways and principals: [A-Za-z0-9][A-Za-z0-9_-]{0,31}.
bool valid_name(std::string_view name) noexcept;

}  // namespace sl::northbound
