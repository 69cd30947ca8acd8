#include "gateway/app/commands.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gateway/admin/token_file.h"
#include "gateway/app/admin_commands.h"
#include "gateway/app/explain_servers.h"
#include "gateway/app/file_limit.h"
#include "gateway/app/redirects.h"
#include "gateway/app/server.h"
#include "gateway/app/standard_streams.h"
#include "gateway/app/version.h"
#include "gateway/base/json.h"
#include "gateway/base/text.h"
#include "gateway/config/parse.h"
#include "gateway/config/read_text.h"
#include "gateway/route/auth_warnings.h"
#include "gateway/route/coverage.h"
#include "gateway/route/dead_routes.h"
#include "gateway/route/rebinding.h"
#include "gateway/route/shared_cookies.h"
#include "plugins/builtins.h"

namespace upgate::app {
namespace {

// The name of the configuration in messages.
std::string NameOf(const std::string& file) {
  return file == config::kStandardInput ? "standard input" : file;
}

std::string ErrorLines(const std::string& file, const std::vector<config::ConfigError>& errors) {
  std::string lines;
  for (const auto& error : errors) lines += config::ToString(NameOf(file), error) + "\n";
  return lines;
}

int Report(const std::string& file, const std::vector<config::ConfigError>& errors) {
  Print(stderr, ErrorLines(file, errors));
  return 1;
}

std::vector<config::ConfigError> WarningsOf(const config::Config& config) {
  std::vector<config::ConfigError> warnings = route::UncoveredPolicies(config.routes);
  config::AppendAll(warnings, route::DeadRoutes(config.routes));
  config::AppendAll(warnings, route::UnusedBackends(config));
  config::AppendAll(warnings, route::SharedCookies(config));
  config::AppendAll(warnings, route::RebindableRoutes(config));
  config::AppendAll(warnings, route::AuthWarnings(config));
  if (config.admin && config.admin->token_file) {
    if (auto warning = config::ExposedFile(*config.admin->token_file))
      warnings.push_back(std::move(*warning));
  }
  return warnings;
}

// Prints warnings: valid settings that may not be what was meant.
void Warn(const std::string& file, std::vector<config::ConfigError> warnings) {
  for (auto& warning : warnings) warning.message = "warning: " + warning.message;
  Print(stderr, ErrorLines(file, warnings));
}

// Explains the target of a redirect, if it is on this gateway. Only one step: the next explanation
// names further redirects.
void TellRedirected(const upgrade::Generation& generation, const ExplainSettings& settings,
                    const std::string& location) {
  const RedirectChain chain = FollowRedirects(generation, settings, location);
  if (!chain.steps.empty()) {
    Print(stdout, "\nThe client then asks for " + location + ":\n\n" + chain.steps.front().text);
  }
  if (!chain.endless) return;
  Print(stdout, chain.steps.empty() ? "\nThis is the same URL: an endless redirect.\n"
                                    : "\nAn endless redirect: " + UrlsOf(chain) + " …\n");
}

// With the servers in the state that the gateway with these statistics tells.
Prepared PrepareLive(const std::shared_ptr<const config::Config>& config,
                     const plugin::Registry& plugins, const Json& stats, stats::Registry& rows) {
  const auto wrong = [](std::string why) {
    return std::unexpected(std::vector{config::ConfigError{{}, "--admin", std::move(why)}});
  };
  try {
    const Serving serving{rows,
                          {},
                          nullptr,
                          std::make_shared<const backend::ServersOfNames>(NamesIn(stats, *config))};
    Prepared prepared = Prepare(config, plugins, &serving);
    if (prepared && TakeStates(stats, **prepared) == 0 && !(*prepared)->backends.empty())
      return wrong("that gateway has none of the servers of this configuration");
    return prepared;
  } catch (const Json::exception&) {
    return wrong("the response is not one that this version understands");
  }
}

// For a process that must exit even if its supervisor does not read the output.
int ReportPromptly(const std::string& file, const std::vector<config::ConfigError>& errors) {
  PrintPromptly(STDERR_FILENO, ErrorLines(file, errors));
  return 1;
}

}  // namespace

int Run(const std::string& config_file) {
  plugin::Registry plugins;
  plugins::RegisterBuiltins(plugins);
  config::Draft draft = config::LoadDraft(config_file);
  if (!draft.errors.empty()) return ReportPromptly(config_file, Prepare(draft, plugins).error());
  RaiseFileLimit();
  const auto log = MakeStderrLog(draft.config->log.level, draft.config->log.format);
  auto server = Server::Open(std::move(draft.config), plugins, *log);
  if (!server) return ReportPromptly(config_file, server.error());
  (*server)->Run();
  return 0;
}

int Check(const std::string& config_file, bool listen) {
  RaiseFileLimit();
  plugin::Registry plugins;
  plugins::RegisterBuiltins(plugins);
  const config::Draft draft = config::LoadDraft(config_file);
  const Prepared prepared = Prepare(draft, plugins);
  std::vector<config::ConfigError> errors;
  if (!prepared) errors = prepared.error();
  if (draft.config && listen) {
    config::AppendAll(errors, CheckListening(*draft.config, draft.errors));
  }
  config::SortByPlace(errors);
  if (!errors.empty()) return Report(config_file, errors);
  std::vector<config::ConfigError> warnings = WarningsOf(*draft.config);
  config::AppendAll(warnings, SelfRedirects(**prepared));
  config::SortByPlace(warnings);
  Warn(config_file, std::move(warnings));
  Print(stdout, fmt::format("{}: good; listeners: {}, backends: {}, routes: {}\n",
                            NameOf(config_file), draft.config->listeners.size(),
                            draft.config->backends.size(), draft.config->routes.size()));
  return 0;
}

int Explain(const ExplainSettings& settings) {
  auto question = ReadQuestion(settings);
  if (!question) {
    Print(stderr, "upgate explain: " + question.error().message + "\n");
    return 2;
  }
  auto config = config::Load(settings.config_file);
  if (!config) return Report(settings.config_file, config.error());
  plugin::Registry plugins;
  plugins::RegisterBuiltins(plugins);
  Json stats;
  if (!settings.admin.admin.empty()) {
    const auto fetched = FetchStats("explain", settings.admin);
    if (!fetched) return fetched.error();
    stats = ParseJson(*fetched);
    question->live = true;
  }
  stats::Registry rows({}, 1);
  const auto prepared =
      question->live ? PrepareLive(*config, plugins, stats, rows) : Prepare(*config, plugins);
  if (!prepared) return Report(settings.config_file, prepared.error());
  const upgrade::Generation& generation = **prepared;
  if (!settings.listener.empty() && !FindListener(*generation.config, settings.listener)) {
    Print(stderr, fmt::format("upgate explain: --listener: '{}' is neither the name nor the "
                              "address of a listener\n",
                              Printable(settings.listener)));
    return 2;
  }
  const Explanation explanation = Explain(generation, *question);
  Print(stdout, explanation.text);
  if (!explanation.location.empty()) TellRedirected(generation, settings, explanation.location);
  return explanation.route != nullptr ? 0 : 1;
}

int Version() {
  Print(stdout, "upgate " + VersionNumber() + "\n");
  for (const auto& [library, version] : LibraryVersions())
    Print(stdout, fmt::format("  {} {}\n", library, version));
  return 0;
}

}  // namespace upgate::app
