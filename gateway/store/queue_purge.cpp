// Quota and retention of queue.db.
#include "gateway/store/queue_db.hpp"

#include <algorithm>

namespace sl::store {

using site::LostRange;
using site::SeqRange;
using site::Stream;

// Order in which a full store lets go, first to last.
static constexpr std::array<Stream, stream_count> drop_order{Stream::telemetry, Stream::state, Stream::event,
                                                             Stream::reply, Stream::energy};
static constexpr std::int64_t chunk = 64;  // records deleted between two looks at the space

static std::size_t at(Stream stream) noexcept {
    return static_cast<std::size_t>(stream);
}

void QueueDb::keep_counter(Stream stream) {
    sql_.counter.bind(1, static_cast<std::int64_t>(stream)).bind(2, cursors[at(stream)].next).run();
}

std::int64_t QueueDb::used_bytes() {
    sql_.pages.step();
    sql_.free_pages.step();
    const std::int64_t used = sql_.pages.integer(0) - sql_.free_pages.integer(0);
    sql_.pages.reset();
    sql_.free_pages.reset();
    return used * page_bytes;
}

bool QueueDb::over(std::int64_t coming_bytes) {
    return file_.limit_bytes > 0 && used_bytes() + coming_bytes > file_.limit_bytes;
}

std::int64_t QueueDb::drop_settled(Stream stream, std::int64_t at_most) {
    for (const SeqRange& range : cursors[at(stream)].settled.all()) {
        sql_.drop[at(stream)].bind(1, range.from).bind(2, range.to).bind(3, at_most).run();
        if (const std::int64_t gone = db_.changes(); gone > 0) {
            keep_counter(stream);
            return gone;
        }
    }
    return 0;
}

std::int64_t QueueDb::drop_settled_before(Stream stream, std::int64_t ts_ms, std::int64_t at_most) {
    Stmt& first = sql_.first[at(stream)];
    first.bind(1, ts_ms);
    const std::int64_t keep_from = first.step() ? first.integer(0) : cursors[at(stream)].next;
    first.reset();
    for (const SeqRange& range : cursors[at(stream)].settled.all()) {
        if (range.from >= keep_from) break;
        const std::int64_t last = std::min(range.to, keep_from - 1);
        sql_.drop[at(stream)].bind(1, range.from).bind(2, last).bind(3, at_most).run();
        if (const std::int64_t gone = db_.changes(); gone > 0) {
            keep_counter(stream);
            return gone;
        }
    }
    return 0;
}

// Oldest first. What goes here was never acknowledged: it is settled as lost, and said.
std::int64_t QueueDb::drop_pending(Stream stream, std::int64_t at_most, std::vector<LostRange>& lost) {
    Cursor& cursor = cursors[at(stream)];
    const auto gap = cursor.settled.first_gap(SeqRange{1, cursor.next - 1});
    if (!gap) return 0;
    const SeqRange range{gap->from, std::min(gap->to, gap->from + at_most - 1)};
    sql_.drop[at(stream)].bind(1, range.from).bind(2, range.to).bind(3, at_most).run();
    cursor.settled.add(range);
    keep_counter(stream);
    if (!lost.empty() && lost.back().stream == stream && lost.back().range.to + 1 == range.from) {
        lost.back().range.to = range.to;
    } else {
        lost.push_back(LostRange{stream, range, "quota"});
    }
    return range.to - range.from + 1;
}

std::vector<LostRange> QueueDb::make_room(std::int64_t bytes) {
    std::vector<LostRange> lost;
    const std::int64_t aim = std::max<std::int64_t>(used_bytes() - bytes, 0);
    for (const Stream stream : drop_order) {
        while (used_bytes() > aim && drop_settled(stream, chunk) > 0) {
        }
    }
    for (const Stream stream : drop_order) {
        while (used_bytes() > aim && drop_pending(stream, chunk, lost) > 0) {
        }
    }
    write_settled();
    for (const LostRange& range : lost)
        put_lost(range);
    return lost;
}

void QueueDb::shrink() {
    if (file_.limit_bytes <= 0) return;
    sql_.pages.step();
    const std::int64_t over_pages = sql_.pages.integer(0) - file_.limit_bytes / page_bytes;
    sql_.pages.reset();
    if (over_pages > 0) db_.exec("PRAGMA incremental_vacuum(" + std::to_string(over_pages) + ")");
}

}  // namespace sl::store
