// lamps.csv -> the lamps of the plant.
#include "gateway/settings/csv.hpp"
#include "gateway/settings/draft.hpp"

#include <algorithm>
#include <optional>

#include <fmt/format.h>

namespace sl::settings {

const std::vector<std::string> column_names{"id",      "pole",   "head",       "name",    "line",
                                            "address", "model",  "protocol",   "feeder",  "phase",
                                            "order",   "branch", "lamp_class", "rated_w", "road_class",
                                            "tags",    "lat",    "lon",        "serial",  "installed"};

namespace {

using Slots = std::array<std::optional<std::size_t>, column_count>;

// Which cell of a row holds which column.
Slots read_header(const Record& header, Report& report) {
    Slots slots{};
    for (std::size_t i = 0; i < header.cells.size(); ++i) {
        const auto& cell = header.cells[i];
        if (cell.text.empty()) continue;  // spreadsheets leave empty columns at the end
        const auto it = std::find(column_names.begin(), column_names.end(), cell.text);
        if (it == column_names.end()) {
            report.error(cell.at, fmt::format("unknown column \"{}\"", cell.text),
                         suggest(cell.text, column_names));
            continue;
        }
        auto& slot = slots.at(static_cast<std::size_t>(it - column_names.begin()));
        if (slot) report.error(cell.at, fmt::format("column \"{}\" stands twice", cell.text));
        slot = i;
    }
    for (const auto column : {Column::id, Column::address, Column::feeder}) {
        if (!slots.at(static_cast<std::size_t>(column))) {
            report.error(
                header.at,
                fmt::format("there is no column \"{}\"", column_names.at(static_cast<std::size_t>(column))),
                fmt::format("the columns are {}", fmt::join(column_names, ", ")));
        }
    }
    return slots;
}

class Row {
  public:
    Row(const Record& record, const Slots& slots, Report& report)
        : record_(record), slots_(slots), report_(report) {
        mark_.row = record.at;
        for (std::size_t i = 0; i < column_count; ++i)
            if (slots[i] && *slots[i] < record.cells.size()) mark_.cells.at(i) = record.cells[*slots[i]].at;
    }

    const std::string& text(Column column) const {
        static const std::string none;
        const auto& slot = slots_.at(static_cast<std::size_t>(column));
        return slot && *slot < record_.cells.size() ? record_.cells[*slot].text : none;
    }
    bool empty(Column column) const { return text(column).empty(); }

    void error(Column column, std::string message, std::string hint = {}) {
        report_.error(mark_.of(column), std::move(message), std::move(hint));
    }

    template <typename Int>
    void integer(Column column, Int& out, std::int64_t least, std::int64_t most) {
        if (empty(column)) return;
        const auto value = parse_integer(text(column));
        if (!value || *value < least || *value > most) {
            error(column, fmt::format("{} must be a whole number from {} to {}", name(column), least, most));
            return;
        }
        out = static_cast<Int>(*value);
    }

    std::optional<double> number(Column column, double least, double most) {
        if (empty(column)) return std::nullopt;
        const auto& word = text(column);
        const auto value = parse_number(word);
        if (value && *value >= least && *value <= most) return value;
        const bool comma =
            word.find(',') != std::string::npos && word.find_first_of(".'\xC2\xE2") == std::string::npos;
        error(column, fmt::format("{} must be a number from {} to {}", name(column), least, most),
              comma ? "write the decimal point as a point" : std::string{});
        return std::nullopt;
    }

    static std::string_view name(Column column) { return column_names.at(static_cast<std::size_t>(column)); }
    const LampMark& mark() const { return mark_; }
    std::size_t cells() const { return record_.cells.size(); }

  private:
    const Record& record_;
    const Slots& slots_;
    Report& report_;
    LampMark mark_;
};

bool is_dms(std::string_view text) {
    for (const std::string_view sign :
         {"\xC2\xB0", "\xE2\x80\xB2", "\xE2\x80\xB3", "'", "\"", "N", "E", "S", "W", "度", "分"})
        if (text.find(sign) != std::string_view::npos) return true;
    return std::count(text.begin(), text.end(), ':') == 2 || std::count(text.begin(), text.end(), ' ') >= 2;
}

std::optional<double> read_degrees(Row& row, Column column, double most) {
    if (is_dms(row.text(column))) {
        row.error(column, fmt::format("{} must be in decimal degrees", Row::name(column)),
                  "37\xC2\xB0"
                  "41'13\" is 37.6869: degrees + minutes/60 + seconds/3600");
        return std::nullopt;
    }
    return row.number(column, -most, most);
}

void read_position(Row& row, site::Lamp& lamp) {
    if (row.empty(Column::lat) != row.empty(Column::lon)) {
        const auto missing = row.empty(Column::lat) ? Column::lat : Column::lon;
        row.error(missing, fmt::format("{} is missing: a position needs lat and lon", Row::name(missing)));
        return;
    }
    const auto lat = parse_number(row.text(Column::lat));
    const auto lon = parse_number(row.text(Column::lon));
    if (lat && lon && std::abs(*lat) > 90.0 && std::abs(*lat) <= 180.0 && std::abs(*lon) <= 90.0) {
        row.error(Column::lat, fmt::format("a latitude of {} does not exist", row.text(Column::lat)),
                  "lat and lon look swapped");
        return;
    }
    lamp.latitude = read_degrees(row, Column::lat, 90.0);
    lamp.longitude = read_degrees(row, Column::lon, 180.0);
}

void read_words(Row& row, site::Lamp& lamp) {
    if (!row.empty(Column::phase)) {
        const auto phase = parse_phase(row.text(Column::phase));
        if (phase) {
            lamp.phase = *phase;
        } else {
            row.error(Column::phase, fmt::format("\"{}\" is not a phase", row.text(Column::phase)),
                      "L1, L2 or L3");
        }
    }
    if (row.empty(Column::road_class)) return;
    if (const auto road = parse_road_class(row.text(Column::road_class))) {
        lamp.road_class = *road;
    } else {
        row.error(Column::road_class, fmt::format("\"{}\" is not a road class", row.text(Column::road_class)),
                  suggest(row.text(Column::road_class), road_class_words));
    }
}

void read_identity(Row& row, site::Lamp& lamp) {
    const auto why = bad_id(row.text(Column::id));
    lamp.id = row.text(Column::id);  // even a bad one, so that later messages can name it
    if (!why.empty()) row.error(Column::id, fmt::format("id {}", why));
    lamp.pole = row.text(Column::pole);
    lamp.name = row.text(Column::name);
    row.integer(Column::head, lamp.head, 1, 16);
    lamp.address = row.text(Column::address);
    if (lamp.address.empty()) row.error(Column::address, "address is empty");
    lamp.feeder = row.text(Column::feeder);
    if (lamp.feeder.empty()) row.error(Column::feeder, "feeder is empty");
    lamp.protocol = row.text(Column::protocol);
    lamp.serial = row.text(Column::serial);
    lamp.installed = row.text(Column::installed);
    if (!lamp.installed.empty() && !parse_date(lamp.installed))
        row.error(Column::installed, fmt::format("\"{}\" is not a date", lamp.installed), "as in 2026-10-12");
}

site::Lamp read_lamp(Row& row, const Draft& draft) {
    site::Lamp lamp;
    read_identity(row, lamp);
    lamp.line = row.empty(Column::line) ? draft.default_line : row.text(Column::line);
    lamp.model = row.empty(Column::model) ? draft.default_model : row.text(Column::model);
    if (lamp.line.empty())
        row.error(Column::line, "the lamp has no line", "in this row or as line in [lamps]");
    if (lamp.model.empty())
        row.error(Column::model, "the lamp has no model", "in this row or as model in [lamps]");
    row.integer(Column::order, lamp.order, 0, 100'000);
    row.integer(Column::branch, lamp.branch, 0, 10'000);
    lamp.lamp_class = row.text(Column::lamp_class);
    lamp.rated_w = row.number(Column::rated_w, 0.0, 5'000.0).value_or(0.0);
    read_words(row, lamp);
    lamp.tags = split(row.text(Column::tags), ';');
    read_position(row, lamp);
    return lamp;
}

}  // namespace

void read_lamps(const Source& source, std::string_view text, Draft& draft, Report& report) {
    const auto records = parse_csv(source, text, report);
    if (records.empty()) {
        report.error(At{&source, 1, 1, 1}, "the file has no header row",
                     fmt::format("the columns are {}", fmt::join(column_names, ", ")));
        return;
    }
    const auto slots = read_header(records.front(), report);
    for (std::size_t i = 1; i < records.size(); ++i) {
        Row row{records[i], slots, report};
        if (row.cells() > records.front().cells.size()) {
            report.error(
                records[i].cells[records.front().cells.size()].at,
                fmt::format("the row has {} cells, the header {}", row.cells(), records.front().cells.size()),
                "quote a cell that contains the separator");
        }
        draft.config.plant.lamps.push_back(read_lamp(row, draft));
        draft.lamp_marks.push_back(row.mark());
    }
}

}  // namespace sl::settings
