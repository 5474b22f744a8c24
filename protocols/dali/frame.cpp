#include "protocols/dali/frame.hpp"

#include <algorithm>

namespace sl::dali {
namespace {

// first..last share one name; `parameter` is opcode - first then.
struct Row {
    std::uint8_t first, last;
    std::string_view name;
    bool twice;
    ReplyKind reply;
};
constexpr auto none = ReplyKind::none;
constexpr auto yes_no = ReplyKind::yes_no;
constexpr auto number = ReplyKind::value;
constexpr auto or_mask = ReplyKind::value_or_mask;

constexpr std::array commands{
    Row{0x00, 0x00, "Off", false, none},
    Row{0x01, 0x01, "Up", false, none},
    Row{0x02, 0x02, "Down", false, none},
    Row{0x03, 0x03, "StepUp", false, none},
    Row{0x04, 0x04, "StepDown", false, none},
    Row{0x05, 0x05, "RecallMaxLevel", false, none},
    Row{0x06, 0x06, "RecallMinLevel", false, none},
    Row{0x07, 0x07, "StepDownAndOff", false, none},
    Row{0x08, 0x08, "OnAndStepUp", false, none},
    Row{0x09, 0x09, "EnableDAPCSequence", false, none},
    Row{0x0A, 0x0A, "GoToLastActiveLevel", false, none},
    Row{0x0B, 0x0B, "ContinuousUp", false, none},
    Row{0x0C, 0x0C, "ContinuousDown", false, none},
    Row{0x10, 0x1F, "GoToScene", false, none},
    Row{0x20, 0x20, "Reset", true, none},
    Row{0x21, 0x21, "StoreActualLevelInDTR0", true, none},
    Row{0x22, 0x22, "SavePersistentVariables", true, none},
    Row{0x23, 0x23, "SetOperatingMode", true, none},
    Row{0x24, 0x24, "ResetMemoryBank", true, none},
    Row{0x25, 0x25, "IdentifyDevice", true, none},
    Row{0x2A, 0x2A, "SetMaxLevel", true, none},
    Row{0x2B, 0x2B, "SetMinLevel", true, none},
    Row{0x2C, 0x2C, "SetSystemFailureLevel", true, none},
    Row{0x2D, 0x2D, "SetPowerOnLevel", true, none},
    Row{0x2E, 0x2E, "SetFadeTime", true, none},
    Row{0x2F, 0x2F, "SetFadeRate", true, none},
    Row{0x30, 0x30, "SetExtendedFadeTime", true, none},
    Row{0x40, 0x4F, "SetScene", true, none},
    Row{0x50, 0x5F, "RemoveFromScene", true, none},
    Row{0x60, 0x6F, "AddToGroup", true, none},
    Row{0x70, 0x7F, "RemoveFromGroup", true, none},
    Row{0x80, 0x80, "SetShortAddress", true, none},
    Row{0x81, 0x81, "EnableWriteMemory", true, none},
    Row{0x90, 0x90, "QueryStatus", false, number},
    Row{0x91, 0x91, "QueryControlGearPresent", false, yes_no},
    Row{0x92, 0x92, "QueryLampFailure", false, yes_no},
    Row{0x93, 0x93, "QueryLampPowerOn", false, yes_no},
    Row{0x94, 0x94, "QueryLimitError", false, yes_no},
    Row{0x95, 0x95, "QueryResetState", false, yes_no},
    Row{0x96, 0x96, "QueryMissingShortAddress", false, yes_no},
    Row{0x97, 0x97, "QueryVersionNumber", false, number},
    Row{0x98, 0x98, "QueryContentDTR0", false, number},
    Row{0x99, 0x99, "QueryDeviceType", false, number},
    Row{0x9A, 0x9A, "QueryPhysicalMinimum", false, or_mask},
    Row{0x9B, 0x9B, "QueryPowerFailure", false, yes_no},
    Row{0x9C, 0x9C, "QueryContentDTR1", false, number},
    Row{0x9D, 0x9D, "QueryContentDTR2", false, number},
    Row{0x9E, 0x9E, "QueryOperatingMode", false, number},
    Row{0x9F, 0x9F, "QueryLightSourceType", false, number},
    Row{0xA0, 0xA0, "QueryActualLevel", false, or_mask},
    Row{0xA1, 0xA1, "QueryMaxLevel", false, or_mask},
    Row{0xA2, 0xA2, "QueryMinLevel", false, or_mask},
    Row{0xA3, 0xA3, "QueryPowerOnLevel", false, or_mask},
    Row{0xA4, 0xA4, "QuerySystemFailureLevel", false, or_mask},
    Row{0xA5, 0xA5, "QueryFadeTimeFadeRate", false, number},
    Row{0xA6, 0xA6, "QueryManufacturerSpecificMode", false, yes_no},
    Row{0xA7, 0xA7, "QueryNextDeviceType", false, number},
    Row{0xA8, 0xA8, "QueryExtendedFadeTime", false, number},
    Row{0xAA, 0xAA, "QueryControlGearFailure", false, yes_no},
    Row{0xB0, 0xBF, "QuerySceneLevel", false, or_mask},
    Row{0xC0, 0xC0, "QueryGroupsZeroToSeven", false, number},
    Row{0xC1, 0xC1, "QueryGroupsEightToFifteen", false, number},
    Row{0xC2, 0xC2, "QueryRandomAddressH", false, number},
    Row{0xC3, 0xC3, "QueryRandomAddressM", false, number},
    Row{0xC4, 0xC4, "QueryRandomAddressL", false, number},
    Row{0xC5, 0xC5, "ReadMemoryLocation", false, number},
    Row{0xFF, 0xFF, "QueryExtendedVersionNumber", false, number},
};

// Device type 6, LED.
constexpr std::array led_commands{
    Row{0xE0, 0xE0, "ReferenceSystemPower", true, none},
    Row{0xE1, 0xE1, "EnableCurrentProtector", true, none},
    Row{0xE2, 0xE2, "DisableCurrentProtector", true, none},
    Row{0xE3, 0xE3, "SelectDimmingCurve", true, none},
    Row{0xE4, 0xE4, "StoreDTRAsFastFadeTime", true, none},
    Row{0xED, 0xED, "QueryGearType", false, number},
    Row{0xEE, 0xEE, "QueryDimmingCurve", false, number},
    Row{0xEF, 0xEF, "QueryPossibleOperatingModes", false, number},
    Row{0xF0, 0xF0, "QueryFeatures", false, number},
    Row{0xF1, 0xF1, "QueryFailureStatus", false, number},
    Row{0xF2, 0xF2, "QueryShortCircuit", false, yes_no},
    Row{0xF3, 0xF3, "QueryOpenCircuit", false, yes_no},
    Row{0xF4, 0xF4, "QueryLoadDecrease", false, yes_no},
    Row{0xF5, 0xF5, "QueryLoadIncrease", false, yes_no},
    Row{0xF6, 0xF6, "QueryCurrentProtectorActive", false, yes_no},
    Row{0xF7, 0xF7, "QueryThermalShutDown", false, yes_no},
    Row{0xF8, 0xF8, "QueryThermalOverload", false, yes_no},
    Row{0xF9, 0xF9, "QueryReferenceRunning", false, yes_no},
    Row{0xFA, 0xFA, "QueryReferenceMeasurementFailed", false, yes_no},
    Row{0xFB, 0xFB, "QueryCurrentProtectorEnabled", false, yes_no},
    Row{0xFC, 0xFC, "QueryOperatingMode", false, number},
    Row{0xFD, 0xFD, "QueryFastFadeTime", false, number},
    Row{0xFE, 0xFE, "QueryMinFastFadeTime", false, number},
    Row{0xFF, 0xFF, "QueryExtendedVersionNumber", false, number},
};

constexpr std::array specials{
    Row{0xA1, 0xA1, "Terminate", false, none},
    Row{0xA3, 0xA3, "DTR0", false, none},
    Row{0xA5, 0xA5, "Initialise", true, none},
    Row{0xA7, 0xA7, "Randomise", true, none},
    Row{0xA9, 0xA9, "Compare", false, yes_no},
    Row{0xAB, 0xAB, "Withdraw", false, none},
    Row{0xAD, 0xAD, "Ping", false, none},
    Row{0xB1, 0xB1, "SearchaddrH", false, none},
    Row{0xB3, 0xB3, "SearchaddrM", false, none},
    Row{0xB5, 0xB5, "SearchaddrL", false, none},
    Row{0xB7, 0xB7, "ProgramShortAddress", false, none},
    Row{0xB9, 0xB9, "VerifyShortAddress", false, yes_no},
    Row{0xBB, 0xBB, "QueryShortAddress", false, number},
    Row{0xBD, 0xBD, "PhysicalSelection", false, none},
    Row{0xC1, 0xC1, "EnableDeviceType", false, none},
    Row{0xC3, 0xC3, "DTR1", false, none},
    Row{0xC5, 0xC5, "DTR2", false, none},
    Row{0xC7, 0xC7, "WriteMemoryLocation", false, number},
    Row{0xC9, 0xC9, "WriteMemoryLocationNoReply", false, none},
};

const Row* find(std::span<const Row> rows, std::uint8_t code) {
    for (const auto& row : rows) {
        if (code >= row.first && code <= row.last) return &row;
    }
    return nullptr;
}

void describe(Decoded& d, const Row* row, std::uint8_t code) {
    if (row == nullptr) return;
    d.name = row->name;
    d.send_twice = row->twice;
    d.reply = row->reply;
    if (row->first != row->last) d.parameter = static_cast<std::uint8_t>(code - row->first);
}

std::optional<std::uint8_t> address_byte(Address to) {
    switch (to.kind) {
        case Address::Kind::short_address:
            if (to.number > 63) return std::nullopt;
            return static_cast<std::uint8_t>(to.number << 1U);
        case Address::Kind::group:
            if (to.number > 15) return std::nullopt;
            return static_cast<std::uint8_t>(0x80U | (unsigned{to.number} << 1U));
        case Address::Kind::unaddressed:
            return std::uint8_t{0xFC};
        case Address::Kind::broadcast:
            return std::uint8_t{0xFE};
    }
    return std::nullopt;
}

std::optional<Address> address_of(std::uint8_t byte) {
    if ((byte & 0x80U) == 0)
        return Address{Address::Kind::short_address, static_cast<std::uint8_t>(byte >> 1U)};
    if ((byte & 0xE0U) == 0x80U) {
        return Address{Address::Kind::group, static_cast<std::uint8_t>((byte >> 1U) & 0x0FU)};
    }
    if ((byte & 0xFEU) == 0xFCU) return Address{Address::Kind::unaddressed, 0};
    if ((byte & 0xFEU) == 0xFEU) return Address{Address::Kind::broadcast, 0};
    return std::nullopt;
}

bool is_special(std::uint8_t byte) {
    return byte >= 0xA1 && byte <= 0xCB && (byte & 1U) != 0;
}

}  // namespace

wire::Result<Forward> arc_power(Address to, std::uint8_t level) noexcept {
    const auto byte = address_byte(to);
    if (!byte) return wire::Errc::bad_request;
    return Forward{*byte, level};
}

wire::Result<Forward> command(Address to, std::uint8_t opcode) noexcept {
    const auto byte = address_byte(to);
    if (!byte) return wire::Errc::bad_request;
    return Forward{static_cast<std::uint8_t>(*byte | 1U), opcode};
}

wire::Result<Forward> special(std::uint8_t byte, std::uint8_t data) noexcept {
    if (!is_special(byte)) return wire::Errc::bad_request;
    return Forward{byte, data};
}

wire::Result<Decoded> decode(Forward frame, std::uint8_t device_type) noexcept {
    Decoded d;
    d.data = frame[1];
    if (is_special(frame[0])) {
        d.kind = Decoded::Kind::special;
        d.special_byte = frame[0];
        describe(d, find(specials, frame[0]), frame[0]);
        return d;
    }
    const auto address = address_of(frame[0]);
    if (!address) return wire::Errc::bad_frame;
    d.address = *address;
    if ((frame[0] & 1U) == 0) {
        d.name = "DAPC";
        return d;
    }
    d.kind = Decoded::Kind::command;
    const Row* row =
        device_type == 6 && frame[1] >= 0xE0 ? find(led_commands, frame[1]) : find(commands, frame[1]);
    describe(d, row, frame[1]);
    return d;
}

Status decode_status(std::uint8_t answer) noexcept {
    const auto bit = [answer](unsigned n) { return ((unsigned{answer} >> n) & 1U) != 0; };
    return Status{bit(0), bit(1), bit(2), bit(3), bit(4), bit(5), bit(6), bit(7)};
}

std::uint8_t encode(const Status& s) noexcept {
    unsigned answer = 0;
    const std::array bits{s.gear_failure,          s.lamp_failure,    s.lamp_on,
                          s.limit_error,           s.fade_running,    s.reset_state,
                          s.short_address_missing, s.power_cycle_seen};
    for (std::size_t n = 0; n < bits.size(); ++n)
        answer |= bits[n] ? 1U << n : 0U;
    return static_cast<std::uint8_t>(answer);
}

}  // namespace sl::dali
