#include "gateway/admin/admin.h"

#include <algorithm>
#include <iterator>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include <nlohmann/json.hpp>

#include "gateway/admin/answers.h"
#include "gateway/base/json.h"

namespace upgate::admin {
namespace {

constexpr std::string_view kIndex = R"(<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>upgate admin</title>
<style>:root{color-scheme:light dark}body{font:16px/1.6 system-ui,sans-serif;max-width:40rem;margin:2rem auto;padding:0 1rem}</style>
<h1>upgate</h1>
<ul>
<li><a href="/stats">/stats</a>: every number, as JSON</li>
<li><a href="/metrics">/metrics</a>: the same for Prometheus</li>
<li><a href="/sessions">/sessions</a>: the open sessions, as JSON</li>
<li><a href="/healthz">/healthz</a>: the process runs</li>
<li><a href="/readyz">/readyz</a>: it takes new clients</li>
<li><a href="/config">/config</a>: the running configuration</li>
</ul></html>
)";

http::Response Told(const ReloadResult& result) {
  if (result.ok) {
    auto changes = Json::array();
    for (const Change& c : result.changes)
      changes.push_back({{"what", c.what}, {"name", c.name}, {"change", c.change}});
    return JsonPage(200, {{"ok", true},
                          {"generation", result.generation},
                          {"changes", std::move(changes)},
                          {"needs_restart", result.needs_restart}});
  }
  auto errors = Json::array();
  for (const config::ConfigError& e : result.errors) {
    errors.push_back({{"file", result.file},
                      {"line", e.mark.line},
                      {"column", e.mark.column},
                      {"key", e.key},
                      {"message", e.message}});
  }
  return JsonPage(422, {{"ok", false}, {"errors", std::move(errors)}});
}

struct LogLevelName {
  std::string_view name;
  LogLevel level;
};
constexpr LogLevelName kLogLevels[] = {{"debug", LogLevel::kDebug},
                                       {"info", LogLevel::kInfo},
                                       {"warn", LogLevel::kWarn},
                                       {"error", LogLevel::kError}};

constexpr std::string_view kPaths =
    "/stats, /metrics, /healthz, /readyz, /config, /reload, /log, /sessions, /drain and /undrain";

http::Response WrongMethod(const std::string& path, const std::string& allowed) {
  http::Response refusal = ErrorPage(405, path + " allows only " + allowed);
  refusal.headers.Add("Allow", allowed);
  return refusal;
}

// A client that waits for a reload, which goes on if the client goes away.
class Reloading final : public http::ExchangeHandler {
 public:
  Reloading(http::Exchange& exchange, Control& control) {
    control.Reload("admin client " + ToString(exchange.client_address()),
                   [&exchange, gone = std::weak_ptr<int>(alive_)](const ReloadResult& result) {
                     if (!gone.expired()) exchange.Respond(Told(result));
                   });
  }

 private:
  std::shared_ptr<int> alive_ = std::make_shared<int>();
};

}  // namespace

Admin::Admin(const plugin::StatsSource& stats, std::function<std::string()> why_not_ready,
             Control& control)
    : stats_(stats), why_not_ready_(std::move(why_not_ready)), control_(control) {}

std::unique_ptr<http::ExchangeHandler> Admin::OnRequest(http::Exchange& exchange) {
  exchange.IgnoreUpgrade();
  const http::Request& request = exchange.request();
  if (request.method == "POST" && request.target.path == "/reload")
    return std::make_unique<Reloading>(exchange, control_);
  if (operations_ != nullptr && Operations::Handles(request.target.path))
    return operations_->OnRequest(exchange);
  if (request.method == "POST" && request.target.path == "/log") {
    exchange.Respond(SetLogLevel(exchange));
  } else {
    exchange.Respond(Answer(request));
  }
  return nullptr;
}

http::Response Admin::Answer(const http::Request& request) const {
  // What is only read. Operations has more.
  static constexpr struct {
    std::string_view path;
    http::Response (*make)(const Admin&);
  } kPages[] = {
      {"/", [](const Admin&) { return Page("text/html; charset=utf-8", std::string(kIndex)); }},
      {"/stats", [](const Admin& a) { return Page("application/json", *a.stats_.StatsJson()); }},
      {"/metrics",
       [](const Admin& a) {
         return Page("text/plain; version=0.0.4; charset=utf-8", *a.stats_.StatsPrometheus());
       }},
      {"/healthz", [](const Admin&) { return http::TextResponse(200, "ok"); }},
      {"/readyz",
       [](const Admin& a) {
         const std::string why = a.why_not_ready_();
         return why.empty() ? http::TextResponse(200, "ready") : http::TextResponse(503, why);
       }},
      {"/config", [](const Admin& a) { return Page("application/yaml", a.control_.ConfigText()); }},
  };
  const std::string& path = request.target.path;
  if (path == "/reload" || path == "/log") return WrongMethod(path, "POST");
  const auto* page = std::ranges::find(kPages, path, [](const auto& p) { return p.path; });
  if (page == std::end(kPages))
    return ErrorPage(404, "the admin address has " + std::string(kPaths));
  if (request.method != "GET" && request.method != "HEAD") return WrongMethod(path, "GET, HEAD");
  return page->make(*this);
}

http::Response Admin::SetLogLevel(const http::Exchange& exchange) {
  const std::string level = http::QueryValue(exchange.request().target.query, "level").value_or("");
  const auto known = std::ranges::find(kLogLevels, level, &LogLevelName::name);
  if (known == std::end(kLogLevels))
    return ErrorPage(400, "write /log?level= with debug, info, warn or error");
  control_.SetLogLevel("admin client " + ToString(exchange.client_address()), known->level, level);
  return JsonPage(200, {{"level", level}});
}

}  // namespace upgate::admin
