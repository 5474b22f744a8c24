#include "gateway/northbound/envelope.hpp"

#include "gateway/json/writer.hpp"

#include <charconv>

namespace sl::northbound {
namespace {

void append_number(std::string& out, std::int64_t number) {
    std::array<char, 24> buffer{};
    const auto result = std::to_chars(buffer.data(), buffer.data() + buffer.size(), number);
    out.append(buffer.data(), static_cast<std::size_t>(result.ptr - buffer.data()));
}

void append_stamp(std::string& out, const Stamp& stamp) {
    out += ",\"ts\":";
    append_number(out, site::to_ms(stamp.ts));
    out += ",\"tq\":\"";
    out += name(stamp.tq);
    out += "\",\"up\":";
    append_number(out, stamp.up_ms);
    out += ",\"meta_rev\":";
    append_number(out, stamp.meta_rev);
}

void append_body(std::string& out, std::string_view body) {
    if (!body.empty()) out += ',';
    out += body;
    out += '}';
}

void range_members(json::Writer& w, site::Stream stream, site::SeqRange range) {
    w.member("stream", name(stream)).member("from", range.from).member("to", range.to);
}

}  // namespace

Envelope::Envelope(const std::string& site, const std::string& gateway, const std::string& epoch) {
    json::Writer w{head_};
    w.begin_object().member("v", 1).member("site", site).member("gw", gateway).member("epoch", epoch);
    w.key("boot");
}

std::string Envelope::render(const site::Record& record, bool hist) const {
    std::string out;
    out.reserve(head_.size() + record.body.size() + 160);
    out += head_;
    append_number(out, record.boot);
    out += ",\"stream\":\"";
    out += name(record.stream);
    out += "\",\"seq\":";
    if (record.seq > 0) {
        append_number(out, record.seq);
    } else {
        out += "null";
    }
    append_stamp(out, Stamp{record.ts, record.tq, record.up_ms, record.meta_rev});
    out += hist ? ",\"hist\":true" : ",\"hist\":false";
    append_body(out, record.body);
    return out;
}

std::string Envelope::render(std::uint32_t boot, const Stamp& stamp, std::string_view body) const {
    std::string out;
    out.reserve(head_.size() + body.size() + 120);
    out += head_;
    append_number(out, boot);
    append_stamp(out, stamp);
    append_body(out, body);
    return out;
}

std::string status_body(const Status& status, const Stamp& stamp) {
    std::string out;
    json::Writer w{out};
    w.member("online", status.online ? 1 : 0).member("conn", status.conn).member("reason", status.reason);
    if (!status.replaces.empty()) w.member("replaces", status.replaces);
    w.member("fw", status.info.firmware).member("cfg_rev", status.info.config_revision);
    w.member("mode", status.info.mode).member("uptime_s", stamp.up_ms / 1'000);
    w.key("next").begin_object();
    for (std::size_t i = 0; i < site::stream_count; ++i)
        w.member(name(static_cast<site::Stream>(i)), status.next[i]);
    w.end_object().key("backlog").begin_array();
    for (const auto& b : status.backlog) {
        w.begin_object();
        range_members(w, b.stream, b.range);
        w.member("n", b.records).end_object();
    }
    w.end_array().key("lost").begin_array();
    for (const auto& l : status.lost) {
        w.begin_object();
        range_members(w, l.stream, l.range);
        w.member("why", l.why).end_object();
    }
    w.end_array();
    return out;
}

}  // namespace sl::northbound
