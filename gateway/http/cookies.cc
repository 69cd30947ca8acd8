#include "gateway/http/cookies.h"

#include <string>

#include "gateway/base/text.h"

namespace upgate::http {
namespace {

// Removes the first cookie from a list, and returns it as NAME=VALUE.
std::string_view TakeCookie(std::string_view& list) {
  const std::size_t end = list.find(';');
  const std::string_view cookie = Trim(list.substr(0, end));
  list = end == std::string_view::npos ? std::string_view() : list.substr(end + 1);
  return cookie;
}

// What follows the '=' of a cookie of that name; nullopt for another cookie.
std::optional<std::string_view> ValueOf(std::string_view cookie, std::string_view name) {
  const std::size_t equals = cookie.find('=');
  if (equals == std::string_view::npos || Trim(cookie.substr(0, equals)) != name) return {};
  return Trim(cookie.substr(equals + 1));
}

std::string Without(std::string_view list, std::string_view name) {
  std::string left;
  while (!list.empty()) {
    const std::string_view cookie = TakeCookie(list);
    if (cookie.empty() || cookie == name || ValueOf(cookie, name)) continue;
    left.append(left.empty() ? "" : "; ").append(cookie);
  }
  return left;
}

}  // namespace

std::optional<std::string_view> CookieValue(const Headers& headers, std::string_view name) {
  const auto values = CookieValues(headers, name, 1);
  return values.empty() ? std::nullopt : std::optional(values.front());
}

std::vector<std::string_view> CookieValues(const Headers& headers, std::string_view name,
                                           std::size_t most) {
  std::vector<std::string_view> values;
  for (const Header& header : headers) {
    if (!EqualsIgnoreCase(header.name, "cookie")) continue;
    std::string_view list = header.value;
    while (!list.empty()) {
      const auto value = ValueOf(TakeCookie(list), name);
      if (value) values.push_back(*value);
      if (values.size() == most) return values;
    }
  }
  return values;
}

void RemoveCookie(Headers& headers, std::string_view name) {
  headers.Filter([&](Header& header) {
    if (!EqualsIgnoreCase(header.name, "cookie") || header.value.find(name) == std::string::npos)
      return true;
    header.value = Without(header.value, name);
    return !header.value.empty();
  });
}

}  // namespace upgate::http
