#include "gateway/config/parse.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <set>
#include <system_error>
#include <tuple>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/config/read_text.h"
#include "gateway/config/sections.h"
#include "gateway/config/yaml.h"

namespace upgate::config {
namespace {

constexpr std::size_t kMaxServerHeader = 256;

std::string ParseServerHeader(const Field& field, std::string fallback) {
  auto text = field.Optional(std::move(fallback));
  const auto is_visible = [](char c) { return c >= 0x20 && c <= 0x7e; };
  if (!std::ranges::all_of(text, is_visible)) {
    field.Refuse({"has a character that the header cannot carry", "use printable ASCII"}, "");
  } else if (text.starts_with(' ') || text.ends_with(' ')) {
    field.Refuse({"begins or ends with a space"}, "");
  } else if (text.size() > kMaxServerHeader) {
    field.Refuse({fmt::format("is longer than {} characters", kMaxServerHeader)}, "");
  }
  return text;
}

HttpLimits ParseHttp(Field field) {
  HttpLimits http;
  http.head_size = field["head_size"]
                       .Optional(ByteSize{http.head_size}, {ByteSize{1024}, ByteSize{1024 * 1024}})
                       .bytes;
  http.headers = field["headers"].Optional(http.headers, {1, 1000});
  http.head_timeout = field["head_timeout"].Optional(http.head_timeout, {Millis{1}, kHour});
  http.body_rate =
      field["body_rate"].Optional(ByteSize{http.body_rate}, {ByteSize{0}, ByteSize{1 << 30}}).bytes;
  http.underscores =
      field["underscores"].OneOf<bool>({{"drop", false}, {"pass", true}}, http.underscores);
  http.request_id = field["request_id"].Optional(http.request_id);
  http.traceparent = field["traceparent"].Optional(http.traceparent);
  http.idle_timeout = field["idle_timeout"].Optional(http.idle_timeout, {Millis{1}, 24 * kHour});
  field.RejectUnknownKeys();
  return http;
}

Shutdown ParseShutdown(Field field) {
  Shutdown shutdown;
  shutdown.delay = field["delay"].Optional(shutdown.delay, {Millis{0}, kHour});
  shutdown.spread = field["spread"].Optional(shutdown.spread, {Millis{0}, kHour});
  const Field timeout = field["timeout"];
  shutdown.timeout = timeout.Optional(shutdown.timeout, {Millis{0}, kHour});
  if (field.sound() && shutdown.delay + shutdown.spread > shutdown.timeout)
    (timeout.present() ? timeout : field)
        .Error(
            "timeout counts from the signal, so it has to be at least delay and spread together");
  const Field code = field["code"];
  shutdown.code = code.Optional(shutdown.code, {1000, 4999});
  if (code.sound() && !IsCloseCode(shutdown.code))
    code.Refuse({"cannot be sent", "use 1000, 1001, 1011, 1012, 1013 or 3000 to 4999"}, "");
  field.RejectUnknownKeys();
  return shutdown;
}

LogSettings ParseLog(Field field) {
  LogSettings log;
  log.level = field["level"].OneOf<LogLevel>({{"debug", LogLevel::kDebug},
                                              {"info", LogLevel::kInfo},
                                              {"warn", LogLevel::kWarn},
                                              {"error", LogLevel::kError}},
                                             log.level);
  log.format = field["format"].OneOf<LogFormat>(
      {{"text", LogFormat::kText}, {"json", LogFormat::kJson}}, log.format);
  log.requests = field["requests"].OneOf<LogRequests>(
      {{"off", LogRequests::kOff}, {"errors", LogRequests::kErrors}, {"all", LogRequests::kAll}},
      log.requests);
  field.RejectUnknownKeys();
  return log;
}

// Name servers, by address: names would have to be looked up themselves.
std::vector<std::string> ParseDns(Field field) {
  constexpr std::uint16_t kDnsPort = 53;
  std::vector<std::string> servers;
  for (const Field& item : field["servers"].Items()) {
    const auto text = item.Maybe<std::string>();
    if (!text) continue;
    const auto where = HostPort::Parse(*text, kDnsPort);
    if (where && Ip::Parse(where->host)) {
      servers.push_back(where->ToString());
    } else {
      item.Refuse({"is not the address of a name server",
                   "use an IP address, with a port if it is "
                   "not 53: \"127.0.0.1:5353\""},
                  "");
    }
  }
  field.RejectUnknownKeys();
  return servers;
}

// The time between two looks at a file; 0: never.
Millis ParseWatch(const Field& field, Millis fallback) {
  constexpr Millis kShortest{1'000};
  const Millis interval = field.Optional(fallback, {Millis{0}, 24 * kHour});
  if (interval > Millis{0} && interval < kShortest)
    field.Refuse({"is too short", "use 1s or more, or 0 for never"}, "");
  return interval;
}

Millis ParseWatchConfig(const Field& field, Millis fallback, const std::string& file) {
  const Millis interval = ParseWatch(field, fallback);
  if (interval > Millis{0} && file == kStandardInput) {
    field.Error(
        "a configuration from standard input cannot be watched; name a file with --config, or "
        "remove this key");
  }
  return interval;
}

OverloadLimits ParseOverload(Field field) {
  OverloadLimits limits;
  if (!field.present()) return limits;
  limits.memory = field["memory"].Optional(limits.memory);
  limits.loop_lag =
      field["loop_lag"].Optional(limits.loop_lag, {Millis{0}, std::chrono::minutes(1)});
  field.RejectUnknownKeys();
  return limits;
}

std::map<std::string, FilePath> ParseErrors(const Field& field,
                                            const std::filesystem::path& folder) {
  std::map<std::string, FilePath> errors;
  if (!field.present()) return errors;
  for (const Field::Member& member : field.Members()) {
    const std::string& name = member.name;
    const bool is_status = name.size() == 3 && (name[0] == '4' || name[0] == '5') &&
                           IsDigit(name[1]) && IsDigit(name[2]);
    if (!is_status && name != "4xx" && name != "5xx") {
      member.field.ErrorAt(member.mark, "is not the status of an error; write 404, 4xx or 5xx");
      continue;
    }
    errors.emplace(name, ParseFilePath(member.field, folder));
  }
  return errors;
}

Config ParseConfig(Field root, const std::string& file, const std::filesystem::path& folder) {
  Config config;
  config.file = file;
  config.folder = folder.string();
  Addresses taken;
  config.listeners = ParseListeners(root["listeners"], folder, taken);
  config.admin = ParseAdmin(root["admin"], folder, taken);
  config.workers = root["workers"].Optional(Workers{config.workers}).count;
  config.server_header = ParseServerHeader(root["server_header"], config.server_header);
  config.http = ParseHttp(root["http"]);
  config.compression_memory =
      ParseCompressionMemory(root["compression_memory"], config.compression_memory, config.workers);
  config.memory = root["memory"].Optional(config.memory);
  config.overload = ParseOverload(root["overload"]);
  config.shutdown = ParseShutdown(root["shutdown"]);
  config.drain_spread = root["drain_spread"].Optional(config.drain_spread, {Millis{0}, kHour});
  config.tls_watch = ParseWatch(root["tls_watch"], config.tls_watch);
  config.watch_config = ParseWatchConfig(root["watch_config"], config.watch_config, file);
  config.dns_servers = ParseDns(root["dns"]);
  config.errors = ParseErrors(root["errors"], folder);
  config.log = ParseLog(root["log"]);
  config.resolve_interval =
      root["resolve_interval"].Optional(config.resolve_interval, {Millis{1'000}, kHour});
  config.backends = ParseBackends(root["backends"], folder);
  for (auto& [name, backend] : config.backends) {
    if (backend.resolve_interval == Millis{0}) backend.resolve_interval = config.resolve_interval;
  }
  config.auth = ParseAuth(root["auth"]);
  if (!config.auth.empty()) RejectUselessCertificates(root["auth"], config.auth, config.listeners);
  config.routes =
      ParseRoutes(root["routes"], config.backends, config.auth, config.listeners, folder);
  for (const auto& backend : config.backends) config.server_count += backend.second.servers.size();
  root.RejectUnknownKeys();
  return config;
}

std::filesystem::path FolderOf(const std::string& file) {
  std::error_code ignored;  // without a current directory paths stay relative
  const auto absolute = std::filesystem::absolute(file.empty() ? "upgate.yaml" : file, ignored);
  return absolute.parent_path();
}

// At most one error for each place that could not be read: an unset variable is not also reported
// as an invalid value.
void Append(std::vector<ConfigError>& errors, std::vector<ConfigError> more) {
  std::set<std::pair<int, int>> told;
  for (const ConfigError& error : errors) told.emplace(error.mark.line, error.mark.column);
  for (ConfigError& error : more) {
    if (!told.contains({error.mark.line, error.mark.column})) errors.push_back(std::move(error));
  }
}

std::expected<std::shared_ptr<const Config>, std::vector<ConfigError>> RequireValid(Draft draft) {
  if (!draft.errors.empty()) return std::unexpected(std::move(draft.errors));
  return std::move(draft.config);
}

}  // namespace

Draft ParseDraft(std::string_view text, const std::string& file, Environment environment) {
  Draft draft;
  auto root = ParseYaml(text, environment, draft.errors);
  if (root) {
    if (root->kind == Value::Kind::kNull) root->kind = Value::Kind::kMap;  // an empty file
    std::vector<ConfigError> wrong;
    draft.config =
        std::make_shared<Config>(ParseConfig(Field(*root, "", wrong), file, FolderOf(file)));
    Append(draft.errors, std::move(wrong));
  }
  // Messages quote the file, and the YAML library quotes it without escaping.
  for (ConfigError& error : draft.errors) error.message = WithoutControls(error.message);
  SortByPlace(draft.errors);
  if (draft.errors.size() > kMaxErrors) {
    const std::size_t left_out = draft.errors.size() - kMaxErrors;
    const Mark first = draft.errors[kMaxErrors].mark;
    draft.errors.resize(kMaxErrors);
    draft.errors.push_back({first, "", fmt::format("here and below are {} more errors", left_out)});
    draft.config = nullptr;  // valid parts can no longer be told from errors
  }
  return draft;
}

Draft LoadDraft(const std::string& file) {
  const auto text = ReadText(file);
  if (!text) return {nullptr, {{{}, "", text.error()}}};
  return ParseDraft(*text, file, [](const char* name) -> const char* { return std::getenv(name); });
}

std::expected<std::shared_ptr<const Config>, std::vector<ConfigError>> Parse(
    std::string_view text, const std::string& file, Environment environment) {
  return RequireValid(ParseDraft(text, file, environment));
}

std::expected<std::shared_ptr<const Config>, std::vector<ConfigError>> Load(
    const std::string& file) {
  return RequireValid(LoadDraft(file));
}

}  // namespace upgate::config
