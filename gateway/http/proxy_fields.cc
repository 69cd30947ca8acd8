#include "gateway/http/proxy_fields.h"

#include <algorithm>
#include <array>

#include "gateway/base/text.h"

namespace upgate::http {
namespace {

constexpr char Fold(char c) {
  return IsAlpha(c) || IsDigit(c) ? ToLower(c) : '-';
}

bool BeginsWith(std::string_view name, std::string_view known) {
  return name.size() >= known.size() &&
         std::ranges::equal(name.substr(0, known.size()), known, {}, Fold);
}

constexpr std::array<std::string_view, 3> kNames{"forwarded", "x-forwarded", "x-real-ip"};
constexpr std::array<std::string_view, 7> kFamilies{"x-forwarded-",  "x-ssl-",      "ssl-client-",
                                                    "x-client-cert", "client-cert", "x-original-",
                                                    "x-rewrite-"};

}  // namespace

bool EqualsAsVariable(std::string_view name, std::string_view known) {
  return name.size() == known.size() && BeginsWith(name, known);
}

std::string AsVariable(std::string_view name) {
  std::string folded(name);
  std::ranges::transform(folded, folded.begin(), Fold);
  return folded;
}

bool IsProxyField(std::string_view name) {
  // The first letter rules out most fields.
  if (name.empty() || !std::string_view("xfsc").contains(ToLower(name.front()))) return false;
  return std::ranges::any_of(kFamilies, [&](auto family) { return BeginsWith(name, family); }) ||
         std::ranges::any_of(kNames, [&](auto known) { return EqualsAsVariable(name, known); });
}

}  // namespace upgate::http
