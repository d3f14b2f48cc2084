#include "daemon/serve_command_line.h"

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/url.h"
#include "daemon/nearest_name.h"

namespace patient_http::daemon {

namespace {

constexpr const char* kAbout =
    "Carry out the requests of a store, Redis or a file, until a signal comes.\n"
    "Each option is also a key of the file and a variable: --max-connections is max_connections "
    "in\n"
    "[processor] and PATIENT_HTTP_MAX_CONNECTIONS. Flags go before variables, these before the "
    "file.";

constexpr const char* kDetails =
    R"(Signals:
  TERM, INT  stop: wait for what is in flight, for --shutdown-timeout, and put the rest back.
             A second one: put it back at once. A third one: die.
  TSTP       be quiet: take no further requests; what is in flight goes on
  TTIN       write to the log what is in flight: id, method, host, phase, age
  HUP        open the log file anew; read its options and [secrets] again

Exit status:
  0  stopped, everything is stored or back in its queue
  1  stopped with the store down: results are spooled, or requests are left to the next start
  2  the configuration, or the usage; all that is wrong was said
  3  it cannot start: the store cannot be opened, a key cannot be had

Environment:
  REDIS_PROVIDER, REDIS_URL   the Redis, when neither --redis nor --database is given;
                              REDIS_PROVIDER holds the name of the variable with the url
  PATIENT_HTTP_CONFIG         --config
  PATIENT_HTTP_ENCRYPTION_KEYS  encryption keys, a line each; the first encrypts
  PATIENT_HTTP_<OPTION>       each option
  NOTIFY_SOCKET, WATCHDOG_USEC, STATE_DIRECTORY  set by systemd

Encryption keys, payload stores and secrets stand in the file: docs/operations.md.)";

constexpr std::string_view kSharedQueue = "--shared-queue";

// The heading under which the help lists a section.
std::string heading_of(std::string_view section) {
  static const std::map<std::string_view, std::string> kHeadings = {
      {"processor", "Requests"},
      {"network_policy", "Where requests may go"},
      {"untrusted_network_policy", "Where requests with urls of strangers may go, in addition"},
      {"redis", "Redis"},
      {"service", "Service"},
      {"log", "Log"},
      {"payload_stores", "Payloads"},
      {"encryption", "Payloads"}};
  return kHeadings.at(section);
}

std::string help_of(const Option& option) {
  std::string value = toml_of(option.value);
  std::erase_if(value, [](char c) { return c == '"' || c == '[' || c == ']'; });
  const bool says_nothing = value.empty() || value == "false";
  return std::string(option.help) + (says_nothing ? "" : " [" + value + "]");
}

}  // namespace

CLI::App* add_serve(CLI::App& app, ServeArguments& arguments) {
  CLI::App* command = app.add_subcommand("serve", kAbout);
  command->footer(kDetails);
  command->allow_extras();  // to be reported with everything else
  command
      ->add_option("--config", arguments.flags.config,
                   "Options, in TOML [/etc/patient-http/config.toml, if it is there]")
      ->type_name("FILE");
  command->add_flag("--check-config", arguments.checks_configuration,
                    "Say all that is wrong with the options, or ok, and exit");
  command->add_flag("--print-config", arguments.prints_configuration,
                    "Write the options as a file, and where each came from, and exit");
  ServeOptions defaults;
  for (const Option& option : options_of(defaults)) {
    const std::string names =
        option.name == "redis_url" ? option.flag() + ",--redis-url" : option.flag();
    const bool is_flag = std::holds_alternative<bool*>(option.value);
    CLI::Option* added = is_flag ? command->add_flag(names) : command->add_option(names);
    added->description(help_of(option))->group(heading_of(option.section))->take_all();
    if (!is_flag) added->type_name(std::string(option.unit))->expected(1);
    if (option.name != "queues") continue;
    command->add_option(std::string(kSharedQueue))
        ->description("The same, for a queue that other workers use, too")
        ->type_name("NAME[,WEIGHT]")
        ->group(heading_of(option.section))
        ->expected(1)
        ->take_all();
  }
  return command;
}

void take_serve_flags(const CLI::App& command, ServeArguments& arguments) {
  arguments.flags.values.clear();
  arguments.flags.unknown.clear();
  std::map<std::string, std::string> names;  // of options, by their flag
  std::vector<std::string> known = {"--config", "--check-config", "--print-config",
                                    std::string(kSharedQueue)};
  ServeOptions defaults;
  for (const Option& option : options_of(defaults)) {
    names.emplace(option.flag(), option.name);
    known.push_back(option.flag());
  }
  // In the order in which they were given: that of the queues counts.
  std::map<const CLI::Option*, std::size_t> taken;
  for (const CLI::Option* flag : command.parse_order()) {
    const std::string name = flag->get_lnames().empty() ? "" : "--" + flag->get_lnames().front();
    const bool is_shared_queue = name == kSharedQueue;
    const auto found = names.find(is_shared_queue ? "--queue" : name);
    if (found == names.end()) continue;
    const std::string& value = flag->results().at(taken[flag]++);
    arguments.flags.values.emplace_back(found->second, is_shared_queue ? value + ",shared" : value);
  }
  bool is_value = false;  // of a flag that nobody knows
  for (const std::string& extra : command.remaining()) {
    const bool is_flag = extra.starts_with("-");
    const std::string name = extra.substr(0, extra.find('='));
    if (is_flag) {
      arguments.flags.unknown.push_back(name + ": no such option" + suggestion(name, known));
    } else if (!is_value) {
      arguments.flags.unknown.push_back("serve takes no arguments but options, and got: " +
                                        base::redact_url(extra));
    }
    is_value = is_flag && name == extra;
  }
}

}  // namespace patient_http::daemon
