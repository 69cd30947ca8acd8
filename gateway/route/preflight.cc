#include <algorithm>
#include <chrono>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/http/chars.h"
#include "gateway/route/origin.h"

namespace upgate::route {
namespace {

constexpr std::string_view kAny = "*";

http::Response RefusePreflight(std::string_view reason) {
  return http::TextResponse(403, reason);
}

bool Contains(const std::vector<std::string>& list, std::string_view item) {
  return std::ranges::find(list, item) != list.end();
}

std::vector<std::string> AllowedMethods(const config::Cors& cors) {
  if (cors.allow_methods.empty()) return {"GET", "HEAD", "POST"};
  return cors.allow_methods;
}

// The value of a list in the response. With credentials, browsers treat "*" as a literal name, so
// the requested names are returned instead.
std::string Granted(const std::vector<std::string>& list, std::string_view asked) {
  if (Contains(list, kAny)) return std::string(asked);
  return Join(list, ", ");
}

bool AllowsHeader(const config::Cors& cors, std::string_view name) {
  return std::ranges::any_of(cors.allow_headers, [&](const std::string& allowed) {
    return allowed == kAny ? http::IsToken(name) : EqualsIgnoreCase(allowed, name);
  });
}

// The first requested header that is not allowed, or an empty view.
std::string_view FirstRefusedHeader(const config::Cors& cors, std::string_view asked) {
  for (auto name = NextListItem(asked); !name.empty(); name = NextListItem(asked)) {
    if (!AllowsHeader(cors, name)) return name;
  }
  return {};
}

// The origin has already been accepted, with the fields `granted`.
http::Response Answer(const http::Headers& asked, const http::Headers& granted,
                      const config::Cors& cors) {
  const std::string method = asked.Joined("Access-Control-Request-Method");
  const std::vector<std::string> methods = AllowedMethods(cors);
  const bool method_allowed =
      Contains(methods, method) || (Contains(methods, kAny) && http::IsToken(method));
  if (!method_allowed) {
    return RefusePreflight(
        fmt::format("the method '{}' is not allowed across origins", Printable(method, 40)));
  }
  const std::string names = asked.Joined("Access-Control-Request-Headers");
  if (const auto refused = FirstRefusedHeader(cors, names); !refused.empty()) {
    return RefusePreflight(
        fmt::format("the header '{}' is not allowed across origins", Printable(refused, 80)));
  }

  http::Response response;
  response.status = 204;
  for (const std::string_view name :
       {"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials"}) {
    if (const std::string* value = granted.Find(name)) response.headers.Add(name, *value);
  }
  response.headers.Add("Access-Control-Allow-Methods", Granted(methods, method));
  if (const std::string allowed = Granted(cors.allow_headers, names); !allowed.empty()) {
    response.headers.Add("Access-Control-Allow-Headers", allowed);
  }
  if (cors.max_age) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(*cors.max_age);
    response.headers.Add("Access-Control-Max-Age", std::to_string(seconds.count()));
  }
  if (cors.allow_private_network &&
      asked.HasToken("Access-Control-Request-Private-Network", "true")) {
    response.headers.Add("Access-Control-Allow-Private-Network", "true");
  }
  return response;
}

}  // namespace

bool IsPreflight(const http::Request& request) {
  return request.method == "OPTIONS" && request.headers.Find("Origin") != nullptr &&
         request.headers.Find("Access-Control-Request-Method") != nullptr;
}

http::Response AnswerPreflight(const http::Request& request, const SeenAs& seen,
                               const config::Cors& cors) {
  const OriginVerdict verdict = CheckOrigin(request, seen, &cors, true);
  http::Response response = verdict.allowed ? Answer(request.headers, verdict.headers, cors)
                                            : RefusePreflight(verdict.reason);
  response.headers.Add("Vary",
                       "Origin, Access-Control-Request-Method, Access-Control-Request-Headers");
  return response;
}

}  // namespace upgate::route
