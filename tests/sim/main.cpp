// streetlight-sim: lamps, meter and contactors of one cabinet on ptys and TCP. See README.md.
#include "tests/sim/field.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <getopt.h>
#include <stdexcept>
#include <string>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

namespace sl::sim {

namespace {

constexpr const char* usage =
    "streetlight-sim --config FILE | --dir DIR [--lamps N] [--feeders N] | --tcp-lines N --lamps N\n"
    "  --config FILE       what to simulate (README.md says how)\n"
    "  --dir DIR           generate a cabinet: ptys DIR/lamps, DIR/meter, DIR/io, control socket "
    "DIR/control\n"
    "  --lamps N           how many lamps (60)\n"
    "  --feeders N         switched feeders (2); 0 = one feeder that is always live\n"
    "  --heads 1|2         lamps per controller (1)\n"
    "  --dali N            so many of the lamps are DALI gear behind a Modbus gateway\n"
    "  --watts W           rated power of a lamp (100)\n"
    "  --boot-s S          simulated seconds from mains to a controller's first answer (5)\n"
    "  --baud B --pace     wire time of a B baud line (9600); without --pace answers come at once\n"
    "  --format 8N1        character format of the lamps' lines; 8E1, 8N2 and 8O1 take 11 bits\n"
    "  --shared-line       meter and module on the lamps' line\n"
    "  --sdm630            a Modbus meter instead of the DL/T 645 one\n"
    "  --tcp-lines N       lamps behind N Modbus TCP ports of the loopback instead of ptys\n"
    "  --base-port P       first port (0 = any free ones; see the ready line)\n"
    "  --speed X           simulated seconds per second (1)\n"
    "  --start TIME        start of simulated time, 2026-11-23T16:00:00+08:00\n"
    "  --control PATH      control socket\n"
    "  --fault \"COMMAND\"   a command of the control socket carried out at the start; repeatable\n"
    "  --write-config      write gateway.toml and lamps.csv for this field into DIR\n"
    "  --mqtt URL          [mqtt] section of that configuration\n"
    "  --die-with-parent   end when the parent process ends\n"
    "When everything is open one line is printed: ready {json}\n";

struct Arguments {
    std::string config;
    Generate generate;
    std::optional<double> speed;
    std::optional<Instant> start;
    std::string control, mqtt_url;
    std::vector<std::string> faults;
    bool write_config = false, die_with_parent = false;
};

enum Option : int {
    opt_config = 256,
    opt_dir,
    opt_lamps,
    opt_feeders,
    opt_heads,
    opt_dali,
    opt_watts,
    opt_boot,
    opt_baud,
    opt_format,
    opt_pace,
    opt_shared,
    opt_sdm630,
    opt_tcp_lines,
    opt_base_port,
    opt_speed,
    opt_start,
    opt_control,
    opt_fault,
    opt_write,
    opt_die,
    opt_mqtt,
    opt_help
};

constexpr option options[] = {
    {"config", 1, nullptr, opt_config},       {"dir", 1, nullptr, opt_dir},
    {"lamps", 1, nullptr, opt_lamps},         {"feeders", 1, nullptr, opt_feeders},
    {"heads", 1, nullptr, opt_heads},         {"dali", 1, nullptr, opt_dali},
    {"watts", 1, nullptr, opt_watts},         {"boot-s", 1, nullptr, opt_boot},
    {"baud", 1, nullptr, opt_baud},           {"format", 1, nullptr, opt_format},
    {"pace", 0, nullptr, opt_pace},           {"shared-line", 0, nullptr, opt_shared},
    {"sdm630", 0, nullptr, opt_sdm630},       {"tcp-lines", 1, nullptr, opt_tcp_lines},
    {"base-port", 1, nullptr, opt_base_port}, {"speed", 1, nullptr, opt_speed},
    {"start", 1, nullptr, opt_start},         {"control", 1, nullptr, opt_control},
    {"fault", 1, nullptr, opt_fault},         {"write-config", 0, nullptr, opt_write},
    {"die-with-parent", 0, nullptr, opt_die}, {"mqtt", 1, nullptr, opt_mqtt},
    {"help", 0, nullptr, opt_help},           {nullptr, 0, nullptr, 0}};

int whole(const char* text, int low, int high) {
    char* end = nullptr;
    const long value = std::strtol(text, &end, 10);
    if (*end != '\0' || value < low || value > high) {
        throw std::runtime_error(fmt::format("\"{}\" must be {}..{}", text, low, high));
    }
    return static_cast<int>(value);
}

double positive(const char* text) {
    char* end = nullptr;
    const double value = std::strtod(text, &end);
    if (*end != '\0' || !(value >= 0.0)) throw std::runtime_error(fmt::format("\"{}\" is no number", text));
    return value;
}

void apply(int which, const char* value, Arguments& out) {
    Generate& g = out.generate;
    switch (which) {
        case opt_config:
            out.config = value;
            break;
        case opt_dir:
            g.dir = value;
            break;
        case opt_lamps:
            g.lamps = whole(value, 1, 10'000);
            break;
        case opt_feeders:
            g.feeders = whole(value, 0, 24);
            break;
        case opt_heads:
            g.heads = whole(value, 1, 2);
            break;
        case opt_dali:
            g.dali = whole(value, 0, 64);
            break;
        case opt_watts:
            g.watts = positive(value);
            break;
        case opt_boot:
            g.boot_s = positive(value);
            break;
        case opt_format:
            g.format = value;
            if (!known_format(g.format)) throw std::runtime_error("--format is 8N1, 8N2, 8E1 or 8O1");
            break;
        case opt_baud:
            g.baud = static_cast<unsigned>(whole(value, 300, 4'000'000));
            break;
        case opt_pace:
            g.pace = true;
            break;
        case opt_shared:
            g.shared_line = true;
            break;
        case opt_sdm630:
            g.sdm630 = true;
            break;
        case opt_tcp_lines:
            g.tcp_lines = whole(value, 1, 100);
            break;
        case opt_base_port:
            g.base_port = whole(value, 0, 65'000);
            break;
        case opt_speed:
            out.speed = positive(value);
            break;
        case opt_start:
            out.start = parse_instant(value);
            if (!out.start) throw std::runtime_error(fmt::format("\"{}\" is no time", value));
            break;
        case opt_control:
            out.control = value;
            break;
        case opt_fault:
            out.faults.emplace_back(value);
            break;
        case opt_write:
            out.write_config = true;
            break;
        case opt_mqtt:
            out.mqtt_url = value;
            break;
        case opt_die:
            out.die_with_parent = true;
            break;
        case opt_help:
            fmt::print("{}", usage);
            std::exit(0);
        default:
            throw std::runtime_error("see --help");
    }
}

Arguments parse(int argc, char** argv) {
    Arguments out;
    for (;;) {
        const int which = getopt_long(argc, argv, "", options, nullptr);
        if (which < 0) break;
        apply(which, optarg, out);
    }
    if (optind != argc) throw std::runtime_error(fmt::format("what is \"{}\"? see --help", argv[optind]));
    return out;
}

FieldConfig configuration(const Arguments& arguments) {
    const Generate& wish = arguments.generate;
    if (arguments.config.empty() && !wish.dir.empty()) ::mkdir(wish.dir.c_str(), 0755);
    FieldConfig config = arguments.config.empty() ? generate(wish) : read_config(arguments.config);
    if (arguments.speed) config.speed = *arguments.speed;
    if (arguments.start) config.start = arguments.start;
    if (!arguments.control.empty()) config.control = arguments.control;
    config.faults.insert(config.faults.end(), arguments.faults.begin(), arguments.faults.end());
    return config;
}

// Blocked from the first line of main on, read from the loop.
Fd signals() {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, nullptr);
    return Fd{signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC)};
}

int run(const Arguments& arguments) {
    const pid_t parent = getppid();
    if (arguments.die_with_parent) {
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        if (getppid() != parent) return 0;  // it ended before we asked
    }
    const Fd signal_fd = signals();
    const FieldConfig config = configuration(arguments);
    Clock clock{config.start, config.speed};
    Loop loop{clock};
    Field field{clock, loop, config};
    std::unique_ptr<ControlSocket> control;
    if (!config.control.empty()) {
        control = std::make_unique<ControlSocket>(
            loop, config.control, [&field](const std::string& line) { return field.command(line); });
    }
    if (arguments.write_config) {
        const std::string dir = arguments.generate.dir.empty() ? "." : arguments.generate.dir;
        write_gateway_config(config, field.where(), dir, arguments.mqtt_url);
    }
    loop.watch(signal_fd.get(), EPOLLIN, [&loop](std::uint32_t) { loop.stop(); });
    field.start();
    fmt::print("ready {}\n", field.ready_json());
    std::fflush(stdout);
    loop.run();
    return 0;
}

}  // namespace

}  // namespace sl::sim

int main(int argc, char** argv) {
    try {
        return sl::sim::run(sl::sim::parse(argc, argv));
    } catch (const std::exception& error) {
        fmt::print(stderr, "streetlight-sim: {}\n", error.what());
        return 2;
    }
}
