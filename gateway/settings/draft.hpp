// The configuration while it is being read: the values, and for each where it stands, so that the checks can
// point at it.
#pragma once

#include "gateway/settings/reader.hpp"
#include "gateway/settings/report.hpp"
#include "gateway/settings/settings.hpp"

#include <array>
#include <map>
#include <string>
#include <vector>

namespace sl::settings {

// Columns of lamps.csv; the order is that of `column_names`.
enum class Column : std::uint8_t {
    id,
    pole,
    head,
    name,
    line,
    address,
    model,
    protocol,
    feeder,
    phase,
    order,
    branch,
    lamp_class,
    rated_w,
    road_class,
    tags,
    lat,
    lon,
    serial,
    installed,
    count
};
constexpr std::size_t column_count = static_cast<std::size_t>(Column::count);
extern const std::vector<std::string> column_names;

struct LampMark {
    At row;
    std::array<At, column_count> cells;
    const At& of(Column column) const {
        const auto& cell = cells.at(static_cast<std::size_t>(column));
        return cell.source == nullptr ? row : cell;
    }
};

// What a feeder says about the death of the gateway.
struct FeederNote {
    bool failsafe_stated = false;
    bool accept_dark = false, accept_lit = false;
};

struct Draft {
    site::Config config;
    Mark site, lamps, astro, mqtt, store, api;
    std::vector<Mark> lines, meters, modules, contactors, inputs, feeders, groups, profiles, schedules,
        calendars, principals;
    std::vector<LampMark> lamp_marks;
    std::vector<FeederNote> feeder_notes;
    std::string lamps_file, default_model, default_line;
    double reach_km = 5.0;
    bool has_place = false;
};

// Sections of gateway.toml; `root` is the whole file.
void read_site(Reader& root, Draft& draft, const Vocabulary& vocabulary);
void read_cabinet(Reader& root, Draft& draft, const Vocabulary& vocabulary);
void read_plan(Reader& root, Draft& draft);
void read_services(Reader& root, Draft& draft);

// lamps.csv, already decoded, into the plant.
void read_lamps(const Source& source, std::string_view text, Draft& draft, Report& report);

// The models that the plant uses.
class ModelShelf;
void read_models(Draft& draft, ModelShelf& shelf, Report& report);

// What no single key shows.
void check_plant(Draft& draft, const Vocabulary& vocabulary, Report& report);
void check_lamps(Draft& draft, const Vocabulary& vocabulary, Report& report);
void check_safety(const Draft& draft, Report& report);
void check_plan(const Draft& draft, Report& report);

// Ids of a list of entities, in order.
template <typename Entities>
std::vector<std::string> ids_of(const Entities& entities) {
    std::vector<std::string> ids;
    ids.reserve(entities.size());
    for (const auto& entity : entities)
        ids.push_back(entity.id);
    return ids;
}

// "contactor" and its ids with places; an unknown reference gets a did-you-mean with the place.
struct Names {
    std::string what;
    std::vector<std::string> ids;
    const std::vector<Mark>* marks = nullptr;
};
bool check_reference(Report& report, const At& at, std::string_view who, std::string_view id,
                     const Names& names);
void check_duplicates(Report& report, const Names& names);

// Protocol of a device: its own word, else the line's if it is of the model's family ("modbus-tcp" carries a
// "modbus-rtu" model), else the model's.
std::string protocol_of(const std::string& own, const std::string& line, const std::string& model);

}  // namespace sl::settings
