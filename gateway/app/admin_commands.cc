#include "gateway/app/admin_commands.h"

#include <cstdio>
#include <cstdlib>
#include <expected>
#include <functional>
#include <memory>
#include <utility>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "gateway/admin/token_file.h"
#include "gateway/app/admin_call.h"
#include "gateway/app/admin_tables.h"
#include "gateway/app/command_url.h"
#include "gateway/app/file_limit.h"
#include "gateway/app/standard_streams.h"
#include "gateway/base/json.h"
#include "gateway/base/text.h"
#include "gateway/config/parse.h"
#include "gateway/config/scalar.h"
#include "gateway/net/loop.h"

namespace upgate::app {
namespace {

// Why a command ends without a response.
struct Stop {
  int exit_code = 1;
  std::string message;  // one or several lines
};
template <class T>
using OrStop = std::expected<T, Stop>;

std::unexpected<Stop> WrongUsage(std::string message) {
  return std::unexpected(Stop{2, std::move(message)});
}
std::unexpected<Stop> Failed(std::string message) {
  return std::unexpected(Stop{1, std::move(message)});
}

int Tell(std::string_view command, const Stop& stop) {
  Print(stderr, fmt::format("upgate {}: {}\n", command, stop.message));
  return stop.exit_code;
}

// ---- the address of the gateway

// A gateway that listens on all addresses can be reached on the loopback address.
AdminAddress Reachable(std::variant<HostPort, UnixPath> where, bool tls) {
  if (auto* host = std::get_if<HostPort>(&where)) {
    if (host->host == "0.0.0.0" || host->host == "*") host->host = "127.0.0.1";
    if (host->host == "::") host->host = "::1";
  }
  return {std::move(where), tls};
}

OrStop<AdminAddress> AddressOf(const std::string& text) {
  std::string_view rest = text;
  const bool tls = rest.starts_with("https://");
  if (tls || rest.starts_with("http://")) rest.remove_prefix(tls ? 8 : 7);
  while (rest.ends_with('/') && !rest.starts_with("unix:")) rest.remove_suffix(1);
  const auto endpoint = config::Syntax<config::Endpoint>::Read(rest);
  if (!endpoint)
    return WrongUsage(fmt::format("--admin: '{}' is not {}", Printable(text),
                                  config::Syntax<config::Endpoint>::kForm));
  return Reachable(*endpoint, tls);
}

// How to reach a gateway.
struct Target {
  AdminAddress address;
  std::string token_file;  // empty: no token
};

// Accepts a configuration with errors: it may be the one to be reloaded.
OrStop<Target> TargetIn(const std::string& file) {
  const config::Draft draft = config::LoadDraft(file);
  if (draft.config && draft.config->admin) {
    const config::Admin& admin = *draft.config->admin;
    Target target{Reachable(admin.address.where, admin.tls.has_value()), {}};
    if (admin.token_file) target.token_file = admin.token_file->path;
    const auto* host = std::get_if<HostPort>(&target.address.where);
    if (host != nullptr && host->port == 0)
      return Failed(file +
                    ": the port of its admin.address is chosen by the system; name it with "
                    "--admin");
    return target;
  }
  if (draft.errors.empty())
    return Failed(file + ": has no admin.address; give the address with --admin");
  return Failed(config::ToString(file, draft.errors.front()));
}

OrStop<Target> FindTarget(const AdminArguments& arguments) {
  if (arguments.admin.empty() == arguments.config.empty())
    return WrongUsage("--admin ADDRESS or --config FILE is needed");
  if (!arguments.admin.empty()) {
    auto address = AddressOf(arguments.admin);
    if (!address) return std::unexpected(std::move(address.error()));
    return Target{std::move(*address), arguments.token_file};
  }
  auto target = TargetIn(arguments.config);
  if (target && !arguments.token_file.empty()) target->token_file = arguments.token_file;
  return target;
}

OrStop<std::string> ReadToken(const std::string& file) {
  if (file.empty()) return std::string();
  auto tokens = admin::ReadTokenFile({file, {}, "token file"});
  if (tokens) return std::move(tokens->front());
  return Failed("token file: " + tokens.error().message);
}

OrStop<std::shared_ptr<tls::ClientContext>> TlsFor(const AdminArguments& arguments, bool tls) {
  if (!tls) {
    if (arguments.insecure || !arguments.ca.empty())
      return WrongUsage("--insecure and --ca are for an admin address with TLS: https://host:port");
    return nullptr;
  }
  auto context = tls::ClientContext::Make(TrustOf(arguments.ca, arguments.insecure));
  if (context) return std::move(*context);
  const config::ConfigError& error = context.error().front();
  return Failed(error.key + ": " + error.message);
}

// ---- requests

struct Outcome final : AdminCall::Owner {
  void OnAnswered(Result<http::Response> got) override { answer = std::move(got); }
  std::optional<Result<http::Response>> answer;
};

// The connection settings and the loop for the requests of one command.
class Connection {
 public:
  static OrStop<Connection> Open(const AdminArguments& arguments) {
    auto target = FindTarget(arguments);
    if (!target) return std::unexpected(std::move(target.error()));
    auto token = ReadToken(target->token_file);
    if (!token) return std::unexpected(std::move(token.error()));
    auto tls = TlsFor(arguments, target->address.tls);
    if (!tls) return std::unexpected(std::move(tls.error()));
    constexpr std::uint64_t kFilesOfCall = 12;
    if (auto lack = LackOfFiles(kFilesOfCall)) return Failed(std::move(*lack));
    return Connection(std::move(target->address), std::move(*token), std::move(*tls));
  }

  OrStop<http::Response> Ask(std::string method, std::string target) const {
    net::Loop loop;
    tls::Scratch scratch;
    Outcome outcome;
    const AdminCall call(address_, {std::move(method), std::move(target), token_}, tls_,
                         loop.view(), scratch, outcome);
    loop.RunUntil([&] { return outcome.answer.has_value(); });
    if (*outcome.answer) return std::move(**outcome.answer);
    const Error& error = outcome.answer->error();
    return Failed(error.message);
  }

 private:
  Connection(AdminAddress address, std::string token, std::shared_ptr<tls::ClientContext> tls)
      : address_(std::move(address)), token_(std::move(token)), tls_(std::move(tls)) {}

  AdminAddress address_;
  std::string token_;
  std::shared_ptr<tls::ClientContext> tls_;
};

// The error message in a response that is not 200.
std::string ErrorIn(const http::Response& answer) {
  const Json json = ParseJson(answer.body);
  if (json.is_object() && json.contains("error") && json["error"].is_string())
    return WithoutControls(json["error"].get<std::string>());
  const std::string_view line = std::string_view(answer.body).substr(0, answer.body.find('\n'));
  return fmt::format("{} {}: {}", answer.status, http::ReasonPhrase(answer.status),
                     Printable(line));
}

// Prints a successful response.
using Show = std::function<void(const Json&)>;

int ShowAnswer(std::string_view command, const AdminArguments& arguments,
               const OrStop<http::Response>& answer, const Show& show) {
  if (!answer) return Tell(command, answer.error());
  if (arguments.json) Print(stdout, answer->body);
  if (answer->status != 200) {
    if (!arguments.json) Tell(command, {1, ErrorIn(*answer)});
    return 1;
  }
  if (arguments.json) return 0;
  const Json json = ParseJson(answer->body);
  if (!json.is_object()) return Tell(command, {1, "the response is not from an admin address"});
  try {
    show(json);
  } catch (const Json::exception&) {
    return Tell(command, {1, "the response is not one that this version understands"});
  }
  return 0;
}

int AskAndShow(std::string_view command, const AdminArguments& arguments, std::string method,
               std::string target, const Show& show) {
  const auto connection = Connection::Open(arguments);
  if (!connection) return Tell(command, connection.error());
  return ShowAnswer(command, arguments, connection->Ask(std::move(method), std::move(target)),
                    show);
}

// A query string, percent-encoded.
class Query {
 public:
  Query& Add(std::string_view name, std::string_view value) {
    return value.empty() ? *this : AddAny(name, value);
  }
  Query& AddAny(std::string_view name, std::string_view value) {
    text_ += text_.empty() ? '?' : '&';
    text_.append(name).append(1, '=');
    for (const char c : value) {
      if (IsAlpha(c) || IsDigit(c) || c == '-' || c == '.' || c == '_' || c == '~') {
        text_ += c;
      } else {
        text_ += fmt::format("%{:02X}", static_cast<unsigned char>(c));
      }
    }
    return *this;
  }
  Query& Add(const SessionChoice& choice) {
    return Add("route", choice.route)
        .Add("server", choice.server)
        .Add("listener", choice.listener)
        .Add("client", choice.client)
        .Add("subprotocol", choice.subprotocol)
        .Add("user", choice.user);
  }
  bool empty() const { return text_.empty(); }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

bool IsId(std::string_view text) {
  return !text.empty() && text.size() < 20 && std::ranges::all_of(text, IsDigit);
}

// Closes each session with a request of its own. Failures are reported, and do not keep the others
// from being closed.
int CloseEach(const AdminArguments& admin, const CloseArguments& arguments,
              const std::string& words) {
  const auto connection = Connection::Open(admin);
  if (!connection) return Tell("close", connection.error());
  int exit_code = 0;
  for (const std::string& id : arguments.ids) {
    const int result =
        ShowAnswer("close", admin, connection->Ask("DELETE", "/sessions/" + id + words),
                   [&](const Json&) { Print(stdout, "closed " + id + "\n"); });
    exit_code = std::max(exit_code, result);
  }
  return exit_code;
}

int ChangeDrain(const AdminArguments& admin, const DrainArguments& arguments, bool drain) {
  const std::string command = drain ? "drain" : "undrain";
  const int named = static_cast<int>(!arguments.server.empty()) +
                    static_cast<int>(!arguments.route.empty()) +
                    static_cast<int>(!arguments.listener.empty());
  if (named != 1)
    return Tell(command, {2, "exactly one of --server, --route and --listener is needed"});
  const Query query = Query()
                          .Add("server", arguments.server)
                          .Add("route", arguments.route)
                          .Add("listener", arguments.listener)
                          .Add("spread", arguments.spread);
  return AskAndShow(command, admin, "POST", "/" + command + query.text(),
                    [&](const Json& json) { Print(stdout, DrainText(json)); });
}

}  // namespace

int ReloadGateway(const AdminArguments& admin) {
  const auto connection = Connection::Open(admin);
  if (!connection) return Tell("reload", connection.error());
  const auto answer = connection->Ask("POST", "/reload");
  if (answer && answer->status == 422 && !admin.json) {
    const std::string errors = ReloadErrors(answer->body);
    if (!errors.empty()) {
      Print(stderr, errors);
      return 1;
    }
  }
  return ShowAnswer("reload", admin, answer,
                    [](const Json& json) { Print(stdout, ReloadText(json)); });
}

int ListSessions(const AdminArguments& admin, const SessionsArguments& arguments) {
  const Query query = Query()
                          .Add(arguments)
                          .Add("sort", arguments.sort)
                          .Add("limit", arguments.limit)
                          .Add("after", arguments.after);
  return AskAndShow("sessions", admin, "GET", "/sessions" + query.text(),
                    [](const Json& json) { Print(stdout, SessionsText(json)); });
}

int CloseSessions(const AdminArguments& admin, const CloseArguments& arguments) {
  Query query;
  query.Add(arguments);
  if (arguments.ids.empty() == query.empty())
    return Tell("close", {2,
                          "either IDs or one of --route, --server, --listener, --client, "
                          "--subprotocol and --user is needed"});
  if (!arguments.ids.empty() && !arguments.spread.empty())
    return Tell("close", {2, "--spread is for many sessions, not for IDs"});
  for (const std::string& id : arguments.ids) {
    if (!IsId(id)) return Tell("close", {2, "'" + Printable(id) + "' is not the ID of a session"});
  }
  query.Add("code", arguments.code).Add("spread", arguments.spread);
  if (arguments.reason) query.AddAny("reason", *arguments.reason);
  if (!arguments.ids.empty()) return CloseEach(admin, arguments, query.text());
  return AskAndShow("close", admin, "DELETE", "/sessions" + query.text(), [](const Json& json) {
    Print(stdout, fmt::format("closed {} sessions\n", json.at("closed").get<std::uint64_t>()));
  });
}

int DrainPart(const AdminArguments& admin, const DrainArguments& arguments) {
  return ChangeDrain(admin, arguments, true);
}

int UndrainPart(const AdminArguments& admin, const DrainArguments& arguments) {
  return ChangeDrain(admin, arguments, false);
}

int ShowStatus(const AdminArguments& admin) {
  return AskAndShow("status", admin, "GET", "/stats",
                    [](const Json& json) { Print(stdout, StatusText(json)); });
}

std::expected<std::string, int> FetchStats(std::string_view command, const AdminArguments& admin) {
  const auto connection = Connection::Open(admin);
  if (!connection) return std::unexpected(Tell(command, connection.error()));
  auto answer = connection->Ask("GET", "/stats");
  if (!answer) return std::unexpected(Tell(command, answer.error()));
  if (answer->status != 200) return std::unexpected(Tell(command, {1, ErrorIn(*answer)}));
  return std::move(answer->body);
}

}  // namespace upgate::app
