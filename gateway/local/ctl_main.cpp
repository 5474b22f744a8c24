// streetlightctl: arguments in, verbs out.
#include "gateway/local/ctl.hpp"
#include "gateway/local/query.hpp"

#include <cstdio>
#include <cstdlib>
#include <functional>
#include <unistd.h>

#include <CLI/CLI.hpp>

namespace sl::local {
namespace {

constexpr const char* version = "streetlightctl " SL_VERSION;

// What a shell needs to complete a line: for every chain of verbs the words that may follow.
void completion_cases(const CLI::App& app, const std::string& path, std::string& out) {
    std::string words;
    for (const CLI::App* verb : app.get_subcommands({})) {
        words += (words.empty() ? "" : " ") + verb->get_name();
        completion_cases(*verb, path + (path.empty() ? "" : " ") + verb->get_name(), out);
    }
    for (const CLI::Option* option : app.get_options()) {
        for (const std::string& name : option->get_lnames())
            words += (words.empty() ? "--" : " --") + name;
    }
    out += "        '" + path + "') words='" + words + "' ;;\n";
}

std::string bash_completion(const CLI::App& app) {
    std::string cases;
    completion_cases(app, "", cases);
    return "# bash completion of streetlightctl; made by: streetlightctl completion bash\n"
           "_streetlightctl() {\n"
           "    local path='' words='' word i\n"
           "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
           "        word=${COMP_WORDS[i]}\n"
           "        [[ $word == -* ]] || path+=\"${path:+ }$word\"\n"
           "    done\n"
           "    case $path in\n" +
           cases +
           "    esac\n"
           "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
           "}\n"
           "complete -F _streetlightctl streetlightctl\n";
}

class Tree {
  public:
    Tree() : app_("Looks at and commands a street-lighting gateway", "streetlightctl") {
        app_.require_subcommand(1);
        app_.fallthrough();
        app_.set_version_flag("--version", version);
        app_.add_option("--socket", options_.socket, "Socket of the gateway")
            ->envname("STREETLIGHT_SOCKET")
            ->capture_default_str();
        app_.add_option("--json", json_, "JSON instead of text: pretty (default) or short")
            ->expected(0, 1)
            ->default_str("pretty")
            ->check(CLI::IsMember({"pretty", "short", "off"}));
        app_.add_flag("!--no-legend", options_.legend, "No line of totals below a table");
        app_.add_flag("-q,--quiet", options_.quiet, "Say nothing when all went well");
        add_views();
        add_lamps();
        add_others();
    }

    int run(int argc, char** argv) {
        try {
            app_.parse(arguments(argc, argv));
        } catch (const CLI::RequiredError& error) {
            // CLI11 misses the verb before it wonders about the word that stands in its place.
            const std::vector<std::string> unknown = app_.remaining(true);
            if (unknown.empty()) return app_.exit(error), static_cast<int>(Exit::usage);
            std::fprintf(stderr, "streetlightctl: there is no command '%s'; see streetlightctl --help\n",
                         unknown.front().c_str());
            return static_cast<int>(Exit::usage);
        } catch (const CLI::ParseError& error) {
            return app_.exit(error) == 0 ? 0 : static_cast<int>(Exit::usage);
        }
        if (app_.count("--json") > 0) {
            options_.json = json_ == "short" ? JsonMode::short_
                            : json_ == "off" ? JsonMode::off
                                             : JsonMode::pretty;
        }
        options_.colour = ::isatty(STDOUT_FILENO) == 1 && std::getenv("NO_COLOR") == nullptr;
        return verb_();
    }

  private:
    // CLI11 wants them last first. A bare --json gets its value here, lest it takes the next word for it.
    static std::vector<std::string> arguments(int argc, char** argv) {
        std::vector<std::string> words;
        for (int i = argc - 1; i > 0; --i)
            words.emplace_back(std::string_view{argv[i]} == "--json" ? "--json=pretty" : argv[i]);
        return words;
    }

    using Text = std::string (View::*)(const boost::json::value&) const;

    CLI::App* noun(const std::string& name, const std::string& about) {
        CLI::App* app = app_.add_subcommand(name, about);
        app->require_subcommand(1)->fallthrough();
        return app;
    }
    void viewer(CLI::App* parent, const std::string& name, const std::string& about,
                const std::string& target, Text text) {
        parent->add_subcommand(name, about)->fallthrough()->callback([this, target, text] {
            verb_ = [this, target, text] { return static_cast<int>(show(options_, target, text)); };
        });
    }

    void add_views() {
        viewer(&app_, "status", "One screen: cabinet, feeders, lamps, alarms, uplink", "/api/v1/status",
               &View::status);
        viewer(noun("feeder", "Feeders"), "list", "All feeders", "/api/v1/feeders", &View::feeders);
        viewer(noun("meter", "Meters"), "list", "All meters", "/api/v1/meters", &View::meters);
        viewer(noun("alarm", "Alarms"), "list", "Alarms that stand", "/api/v1/alarms", &View::alarms);
        CLI::App* days = app_.add_subcommand("sun", "Sunrise, sunset and twilight; works without a gateway")
                             ->fallthrough();
        days->add_option("--lat", sun_.latitude, "Latitude in degrees, north positive");
        days->add_option("--lon", sun_.longitude, "Longitude in degrees, east positive");
        days->add_option("--zone", sun_.zone, "Time zone such as Asia/Shanghai (default: this machine's)");
        days->add_option("--from", sun_.from, "First date, 2026-11-23 (default: today)");
        days->add_option("--days", sun_.days, "How many days")
            ->check(CLI::Range(1, 3'660))
            ->capture_default_str();
        days->callback([this] { verb_ = [this] { return static_cast<int>(sun(options_, sun_)); }; });
    }

    void add_lamps() {
        CLI::App* lamp =
            noun("lamp", "Lamps; SELECT is L001, F1, 1..20, F1:1..9, tag=crossing, state=fault, all");
        CLI::App* list = lamp->add_subcommand("list", "Lamps and how they are doing")->fallthrough();
        list->add_option("select", set_.select, "Which lamps")->default_str("all");
        list->callback([this] {
            verb_ = [this] {
                const std::string target =
                    "/api/v1/lamps?select=" + percent_encode(set_.select.empty() ? "all" : set_.select);
                return static_cast<int>(show(options_, target, &View::lamps));
            };
        });
        CLI::App* one = lamp->add_subcommand("show", "Everything about one lamp")->fallthrough();
        one->add_option("lamp", set_.select, "Id of the lamp")->required();
        one->callback([this] {
            verb_ = [this] {
                return static_cast<int>(
                    show(options_, "/api/v1/lamps/" + percent_encode(set_.select), &View::lamp));
            };
        });
        CLI::App* release =
            lamp->add_subcommand("release", "Ends overrides: the program decides again")->fallthrough();
        release->add_option("select", set_.select, "Which lamps")->required();
        release->callback(
            [this] { verb_ = [this] { return static_cast<int>(release_lamps(options_, set_.select)); }; });
        add_lamp_set(
            lamp->add_subcommand("set", "Overrides the level for a while (2 h unless said otherwise)")
                ->fallthrough());
    }

    void add_lamp_set(CLI::App* set) {
        set->add_option("select", set_.select, "Which lamps")->required();
        set->add_option("--level", set_.level, "Percent; 0 is off, which is no isolation")
            ->required()
            ->check(CLI::Range(0, 100));
        set->add_option("--for", set_.for_, "Hold for 20m, 2h, 1h30m");
        set->add_option("--until", set_.until, "Hold until 06:00 or 2026-11-24T06:00 by the gateway's clock");
        set->add_flag("--next-switch", set_.next_switch, "Hold until the program's next change");
        set->add_flag("--until-released", set_.until_released, "Hold until somebody releases it");
        set->add_option("--fade", set_.fade_s, "Seconds of the transition")->check(CLI::Range(0L, 3'600L));
        set->add_flag("--emergency", set_.emergency, "Goes before overrides of operators");
        set->add_flag("--energise", set_.energise, "May close the feeder's contactor");
        set->add_option("--why", set_.why, "Reason, for the audit trail");
        set->callback([this] { verb_ = [this] { return static_cast<int>(set_lamps(options_, set_)); }; });
    }

    void add_others() {
        CLI::App* follow = app_.add_subcommand("watch", "Follows events until interrupted")->fallthrough();
        follow->add_option("topics", topics_, "Only these: lamp, feeder, alarm");
        follow->callback([this] { verb_ = [this] { return static_cast<int>(watch(options_, topics_)); }; });
        app_.add_subcommand("health", "A line and an exit code for Nagios")->fallthrough()->callback([this] {
            verb_ = [this] { return health(options_); };
        });
        CLI::App* shell = noun("completion", "Completion for a shell");
        shell->add_subcommand("bash", "Prints it; source it or put it into bash-completion's folder")
            ->callback([this] { verb_ = [this] { return print(bash_completion(app_)); }; });
        app_.add_subcommand("version", "Version of this program")->callback([this] {
            verb_ = [] { return print(std::string{version} + "\n"); };
        });
    }

    static int print(const std::string& text) {
        return std::fwrite(text.data(), 1, text.size(), stdout) == text.size() ? 0 : 1;
    }

    CLI::App app_;
    CtlOptions options_;
    std::string json_ = "pretty";
    LampSet set_;
    SunRequest sun_;
    std::vector<std::string> topics_;
    std::function<int()> verb_;
};

}  // namespace
}  // namespace sl::local

int main(int argc, char** argv) {
    try {
        return sl::local::Tree().run(argc, argv);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "streetlightctl: %s\n", error.what());
        return static_cast<int>(sl::local::Exit::failed);
    }
}
