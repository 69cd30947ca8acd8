#include "gateway/app/explain_auth.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "gateway/base/text.h"

namespace upgate::app {
namespace {

using AuthRecords = std::vector<std::shared_ptr<const upgrade::AuthRecord>>;

bool HasChallenge(const AuthRecords& records) {
  return std::ranges::any_of(records,
                             [](const auto& one) { return !one->check->Challenge().empty(); });
}

// What becomes of a client that brings nothing.
std::string_view WithoutAny(const AuthRecords& records, bool optional) {
  const auto decides = [](const auto& one) {
    return one->check->Find(http::Request{}, nullptr).has_value();
  };
  if (std::ranges::any_of(records, decides)) return "every request is asked about";
  if (optional) return "a client without a credential is let in as nobody";
  if (HasChallenge(records)) return "a client without a credential gets 401";
  return "a client without a certificate gets 403";
}

void TellRefusal(Lines& out, int status, std::string_view why) {
  out.Add("answer", "{} {}: {}", status, http::ReasonPhrase(status), why);
}

bool TellNone(Lines& out, const AuthRecords& records, bool optional) {
  if (optional) {
    out.Add("credential", "none: the client is let in as nobody");
    return true;
  }
  TellRefusal(out, HasChallenge(records) ? 401 : 403, "there is no credential in the request");
  return false;
}

std::int64_t UnixSeconds() {
  using std::chrono::system_clock;
  return std::chrono::duration_cast<std::chrono::seconds>(system_clock::now().time_since_epoch())
      .count();
}

}  // namespace

void TellAuth(Lines& out, const upgrade::Generation& generation, const config::Route& route) {
  const AuthRecords& records = generation.routes[route.index]->auth;
  std::string_view key = "auth";
  for (const auto& auth : records) {
    out.Add(key, "{}: {}", auth->config->name, auth->check->Describe());
    key = "";
  }
  out.Add("", "{}", WithoutAny(records, route.auth->optional));
  if (route.auth->expired_code != config::RouteAuth{}.expired_code)
    out.Add("", "a session whose credential ends is closed with {}", route.auth->expired_code);
}

bool TellCredential(Lines& out, const upgrade::Generation& generation, const config::Route& route,
                    const Visitor& visitor) {
  const AuthRecords& records = generation.routes[route.index]->auth;
  std::optional<std::string> credential;
  const auto decides = std::ranges::find_if(records, [&](const auto& one) {
    credential = one->check->Find(visitor.request, visitor.tls);
    return credential.has_value();
  });
  if (decides == records.end()) return TellNone(out, records, route.auth->optional);
  const std::string& name = (*decides)->config->name;
  const auto answer = (*decides)->check->Preview({.credential = *credential,
                                                  .client = visitor.client,
                                                  .scheme = visitor.seen.scheme,
                                                  .host = visitor.seen.authority,
                                                  .request = visitor.request,
                                                  .tls = visitor.tls},
                                                 UnixSeconds());
  if (!answer) {
    out.Add("credential", "{} is asked at run time; the answer is for a client that it lets in",
            name);
    return true;
  }
  if (!answer->identity) {
    TellRefusal(out, answer->response.status, Printable(name + ": " + answer->why));
    return false;
  }
  const std::string& user = answer->identity->user;
  out.Add("credential", "{} lets it in{}{}", name, user.empty() ? "" : " as ", Printable(user));
  return true;
}

http::Request WithoutCredential(const upgrade::Generation& generation, const config::Route& route,
                                const http::Request& request) {
  http::Request without = request;
  for (const auto& auth : generation.routes[route.index]->auth) auth->check->Remove(without);
  return without;
}

}  // namespace upgate::app
