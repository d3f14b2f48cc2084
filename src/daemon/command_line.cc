#include "daemon/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cmath>
#include <iostream>
#include <memory>
#include <string_view>
#include <utility>

#include "base/url.h"
#include "daemon/configuration_file.h"
#include "daemon/exit_status.h"
#include "daemon/option_value.h"
#include "daemon/run_command.h"
#include "daemon/send_command.h"
#include "daemon/serve_command_line.h"
#include "version.h"

namespace patient_http::daemon {

namespace {

constexpr const char* kAbout =
    "patient-http: for APIs that take their time.\n"
    "Carries out slow HTTP requests (LLM and AI APIs, partner APIs, webhooks) durably and by the\n"
    "thousand.";

constexpr const char* kRunAbout =
    "Carry out a file of requests, durably: after Ctrl-C, kill -9 or a power cut the same command\n"
    "goes on where it stopped.";

constexpr const char* kRunDetails =
    R"(Input: a JSON object per line; only "url" is required.
  {"id": 1, "method": "post", "url": "https://api.example.com/v1", "headers": {"authorization": "Bearer …"},
   "params": {"q": "x"}, "json": {…} or "body": "…", "timeout": 120, "max_redirects": 5,
   "callback_args": {…}, "raise_error_responses": false, "preprocessors": ["name"]}
  "id" is a string or an integer, by default the line's number; ids must differ. Blank lines are skipped.

Output: a line per request, written when it has ended, in the order in which they end.
  {"id": …, "request_id": …, "response": {"status", "headers", "body" or "body_base64", "duration", "url",
   "redirects"}, "callback_args": {…}}
  {"id": …, "request_id": …, "error": {"type", "kind", "class", "message", "duration", "url"}, "callback_args": {…}}

A regular file is checked from end to end before anything is sent. With - or --lenient, lines are
taken as they come, and bad ones are reported and left out.

A result is committed to the state first and appended to the output then: what has a stored result is
never sent again, and a file of output holds each id exactly once. A request that was under way when the
process died may be sent a second time. To a pipe or a terminal each result is written at least once.

Exit status, over the whole file, earlier starts included:
  0  every request has a response, of whatever status
  1  some requests have an error, or bad lines were left out
  2  usage, input, or an input that has changed; nothing was sent
  3  the state or the output cannot be read, written or locked
  129, 130, 143  after SIGHUP, SIGINT, SIGTERM: what was in flight is put back)";

void add_policy_options(CLI::App& command, NetworkPolicy& policy) {
  command.add_flag("--deny-private-networks", policy.deny_private_networks,
                   "Nothing to addresses that are not those of public servers: private, loopback, "
                   "link-local and others");
  // What is given takes the place of what the file has; given twice, it adds up.
  const auto list = [&command](const std::string& name, OptionValue value, const char* type,
                               const char* help) {
    command
        .add_option_function<std::vector<std::string>>(
            name,
            [name, value](const std::vector<std::string>& given) {
              std::string all;
              for (const std::string& each : given) all += each + ",";
              if (const auto wrong = set_option(value, all)) {
                throw CLI::ValidationError(name, *wrong);
              }
            },
            help)
        ->type_name(type)
        ->expected(1)
        ->take_all();
  };
  list("--allow-networks", &policy.allow_networks, "NETWORKS",
       "But to these, with commas: 10.1.0.0/16,fd00::/8");
  list("--deny-networks", &policy.deny_networks, "NETWORKS",
       "Nothing to these, whatever is allowed");
  list("--allow-hosts", &policy.allow_hosts, "HOSTS",
       "To these, also where their addresses are private: api.example,*.example,x.example:81");
  list("--deny-hosts", &policy.deny_hosts, "HOSTS", "Nothing to these, whatever is allowed");
  list("--allow-ports", &policy.allow_ports, "PORTS", "To no other ports");
  list("--deny-ports", &policy.deny_ports, "PORTS", "Nothing to these");
}

void add_engine_options(CLI::App& command, ProcessorOptions& options, std::string& config) {
  command
      .add_option("--config", config,
                  "Options of the engine, secrets and what signs: [processor], [secrets] and "
                  "[preprocessors] in TOML; what is given here wins")
      ->type_name("FILE");
  const auto seconds = [&command](const char* name, Seconds& value, const char* help) {
    command
        .add_option_function<double>(
            name, [&value](double given) { value = Seconds(given); }, help)
        ->type_name("SECONDS");
  };
  const auto optional_seconds = [&command](const char* name, std::optional<Seconds>& value,
                                           const char* help) {
    command
        .add_option_function<double>(
            name, [&value](double given) { value = Seconds(given); }, help)
        ->type_name("SECONDS");
  };
  seconds("--timeout", options.request_timeout, "For each attempt, over its redirects [60]");
  optional_seconds("--connect-timeout", options.connection_timeout,
                   "For opening a connection, TLS included");
  optional_seconds("--first-byte-timeout", options.first_byte_timeout,
                   "From the end of sending to the response");
  optional_seconds("--idle-timeout", options.idle_timeout, "For silence inside a response");
  command
      .add_option("--retries", options.retries,
                  "Attempts after the first, unless a request says otherwise")
      ->capture_default_str();
  command
      .add_option_function<std::string>(
          "--retry-on",
          [&options](const std::string& given) {
            if (const auto wrong = set_option(&options.retry_on, given)) {
              throw CLI::ValidationError("--retry-on", *wrong);
            }
          },
          "What they follow, with commas: connection, timeout, statuses such as 429; after what "
          "may have been carried out, only what may be repeated is sent again [connection]")
      ->type_name("CAUSES");
  seconds("--max-retry-after", options.max_retry_after,
          "The longest Retry-After that is waited for [3600]");
  command.add_flag("--idempotency-keys", options.idempotency_keys,
                   "Send a header idempotency-key along with POST and PATCH");
  command
      .add_option_function<std::string>(
          "--protocol",
          [&options](const std::string& given) { options.protocol = parse_http_protocol(given); },
          "Instead of what a TLS server chooses, and http1 without TLS")
      ->check(CLI::IsMember({"http1", "http2"}));
  command.add_option("--max-redirects", options.max_redirects, "Redirects followed; 0: none")
      ->capture_default_str();
  command.add_option("--max-response-size", options.max_response_size, "Largest body, in bytes")
      ->capture_default_str();
  command.add_option("--user-agent", options.user_agent, "Unless a request has one")
      ->capture_default_str();
  command
      .add_option("--ca-file", options.ca_file,
                  "Certificates to trust, PEM; the system's by default")
      ->type_name("FILE");
  command
      .add_option("--proxy-url", options.proxy_url,
                  "Reach everything through this HTTP proxy: http://[user:password@]host:port, "
                  "https:// for TLS to the proxy")
      ->type_name("URL");
  command
      .add_option("--no-proxy", options.no_proxy,
                  "But not these: names with all under them, addresses, networks, *; separated by "
                  "commas")
      ->type_name("LIST");
  command.add_flag("--proxy-from-environment", options.proxy_from_environment,
                   "Take the proxies of https_proxy, http_proxy, all_proxy and no_proxy");
  add_policy_options(command, options.network_policy);
}

struct RunArguments {
  RunOptions options;
  std::string durability = "full";
  double grace = 0;
  std::string config;
};

CLI::App* add_run(CLI::App& app, RunArguments& arguments) {
  RunOptions& options = arguments.options;
  CLI::App* command = app.add_subcommand("run", kRunAbout);
  command->footer(kRunDetails);
  command->add_option("input", options.input, "File of requests; - for standard input")->required();
  command->add_option("-o,--output", options.output, "File of results; - for standard output")
      ->capture_default_str();
  command->add_option("-c,--concurrency", options.processor.max_connections, "Requests at once")
      ->capture_default_str();
  command->add_option("--state", options.state, "What is remembered [OUTPUT.state, or INPUT.state]")
      ->type_name("FILE");
  command->add_flag("--fresh", options.fresh, "Start over: forget the state, overwrite the output");
  command->add_flag("--lenient", options.lenient, "Take lines as they come; leave bad ones out");
  command
      ->add_option("--durability", arguments.durability,
                   "full: survives a power cut; normal: survives kill -9, and is faster")
      ->check(CLI::IsMember({"full", "normal"}))
      ->capture_default_str();
  command
      ->add_option("--grace", arguments.grace,
                   "After Ctrl-C, wait so long for what is in flight [0]")
      ->type_name("SECONDS")
      ->check(CLI::Range(0.0, 1e6));
  command->add_flag("-q,--quiet", options.quiet, "No progress and no summary");
  add_engine_options(*command, options.processor, arguments.config);
  return command;
}

struct SendArguments {
  CLI::App* command = nullptr;
  SendOptions options;
  std::string config;
};

void add_send(CLI::App& app, HttpMethod method, SendArguments& arguments) {
  SendOptions& options = arguments.options;
  options.method = method;
  CLI::App* command = app.add_subcommand(
      std::string(to_string(method)),
      "Send one " + std::string(to_wire(method)) + " request and print the body");
  command->add_option("url", options.url, "Absolute, http or https")->required();
  command->add_option("-H,--header", options.headers, "'name: value'; repeatable")
      ->expected(1)
      ->take_all();
  command
      ->add_option("--secret-header", options.secret_headers,
                   "'name: name of a secret', from [secrets] of --config; repeatable")
      ->expected(1)
      ->take_all();
  command
      ->add_option("--preprocessor", options.preprocessors,
                   "Name of one of [preprocessors] of --config, which signs; repeatable")
      ->expected(1)
      ->take_all();
  command->add_option("-p,--param", options.params, "name=value, added to the query; repeatable")
      ->expected(1)
      ->take_all();
  if (may_have_body(method)) {
    command->add_option("-d,--data", options.body, "The body; @FILE or @- to read it");
    command->add_option("-j,--json", options.json, "A body of JSON; @FILE or @- to read it");
  }
  command->add_option("-o,--output", options.output, "Where the body goes; - for standard output");
  command->add_flag("-i,--include", options.include_head, "Print status and headers too");
  command->add_flag("-f,--fail", options.fail_on_error_status,
                    "Exit with 1 when the status is not 2xx");
  add_engine_options(*command, options.processor, arguments.config);
  command->footer(
      "Exit status: 0 a response of any status, 1 an error, 2 usage, 3 the output cannot be "
      "written.");
  arguments.command = command;
}

// The options by the names under which they are given here.
std::string named_as_given(std::string problem) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 10> kNames = {{
      {"max_connections", "--concurrency"},
      {"request_timeout", "--timeout"},
      {"connection_timeout", "--connect-timeout"},
      {"first_byte_timeout", "--first-byte-timeout"},
      {"idle_timeout", "--idle-timeout"},
      {"max_response_size", "--max-response-size"},
      {"max_redirects", "--max-redirects"},
      {"retries", "--retries"},
      {"max_retry_after", "--max-retry-after"},
      {"user_agent", "--user-agent"},
  }};
  for (const auto& [name, given] : kNames) {
    if (problem.starts_with(name)) return std::string(given) + problem.substr(name.size());
  }
  constexpr std::string_view kPolicy = "network_policy.";
  if (problem.starts_with(kPolicy)) {
    const std::size_t end = std::min(problem.find(' '), problem.size());
    std::replace(problem.begin(), problem.begin() + static_cast<std::ptrdiff_t>(end), '_', '-');
    problem.replace(0, kPolicy.size(), "--");
  }
  return problem;
}

// What there is to say against the options of the engine, or empty.
std::string problems_of(const ProcessorOptions& options) {
  std::string text;
  for (const std::string& problem : options.validate()) {
    text += (text.empty() ? "" : "; ") + named_as_given(problem);
  }
  return text;
}

}  // namespace

int execute_command_line(int argc, char** argv, StopSignals& signals) {
  CLI::App app(kAbout, "patient-http");
  app.set_version_flag("--version", std::string("patient-http ") + kVersion);
  app.require_subcommand(1);
  app.set_help_flag("-h,--help", "Print this help");
  RunArguments run_arguments;
  CLI::App* run_command = add_run(app, run_arguments);
  ServeArguments serve_arguments;
  CLI::App* serve_command = add_serve(app, serve_arguments);
  std::vector<std::unique_ptr<SendArguments>> senders;
  for (const HttpMethod method : {HttpMethod::kGet, HttpMethod::kPost, HttpMethod::kPut,
                                  HttpMethod::kPatch, HttpMethod::kDelete}) {
    senders.push_back(std::make_unique<SendArguments>());
    add_send(app, method, *senders.back());
  }
  const auto refuse = [](const std::string& problems) {
    std::cerr << "patient-http: " << problems << '\n';
    return kUsage;
  };
  try {
    app.parse(argc, argv);
    if (serve_command->parsed()) {
      take_serve_flags(*serve_command, serve_arguments);
      return serve(serve_arguments, current_environment());
    }
    const auto apply_file = [](const std::string& config, ProcessorOptions& options) {
      return config.empty() ? Result<void>() : read_configuration_file(config, options);
    };
    auto read = apply_file(run_arguments.config, run_arguments.options.processor);
    for (const auto& sender : senders) {
      if (read) read = apply_file(sender->config, sender->options.processor);
    }
    if (!read) return refuse(read.error().message);
    app.parse(argc, argv);  // once more: the command line is laid over the file
  } catch (const CLI::ExtrasError&) {
    // It may be a url with credentials.
    std::string extras;
    for (const std::string& extra : app.remaining(true)) extras += " " + base::redact_url(extra);
    return refuse("these arguments were not expected:" + extras + "; --help says what is");
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kSuccess : kUsage;
  }
  if (run_command->parsed()) {
    RunOptions& options = run_arguments.options;
    options.survives_power_cuts = run_arguments.durability == "full";
    options.grace = Seconds(run_arguments.grace);
    if (!std::isfinite(run_arguments.grace)) return refuse("--grace must be a number of seconds");
    if (const std::string problems = problems_of(options.processor); !problems.empty())
      return refuse(problems);
    return run(options, signals);
  }
  for (const auto& sender : senders) {
    if (!sender->command->parsed()) continue;
    if (const std::string problems = problems_of(sender->options.processor); !problems.empty())
      return refuse(problems);
    signals.restore();
    return send(sender->options);
  }
  return kUsage;
}

}  // namespace patient_http::daemon
