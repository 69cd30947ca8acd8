#include "gateway/plugin/auth.h"

namespace upgate::plugin {
namespace {

int StatusOf(AuthReason reason) {
  switch (reason) {
    case AuthReason::kForbidden:
      return 403;
    case AuthReason::kTooMany:
      return 429;
    case AuthReason::kFailed:
      return 502;
    case AuthReason::kTimeout:
      return 504;
    default:
      return 401;
  }
}

std::string_view BodyOf(int status) {
  switch (status) {
    case 403:
      return "this is not allowed with these credentials";
    case 429:
      return "too many attempts; try again later";
    case 502:
      return "the credentials cannot be checked";
    case 504:
      return "the credentials were not checked in time";
    default:
      return "valid credentials are required";
  }
}

}  // namespace

AuthAnswer Allowed(std::shared_ptr<const Identity> identity) {
  return {.identity = std::move(identity), .reason = AuthReason::kAllowed};
}

AuthAnswer Refused(AuthReason reason, std::string why, std::string_view challenge) {
  const int status = StatusOf(reason);
  AuthAnswer answer{.identity = nullptr,
                    .reason = reason,
                    .response = http::TextResponse(status, BodyOf(status)),
                    .why = std::move(why)};
  if ((status == 401 || status == 403) && !challenge.empty())
    answer.response.headers.Add("WWW-Authenticate", challenge);
  if (status == 429) answer.response.headers.Add("Retry-After", "60");
  return answer;
}

}  // namespace upgate::plugin
