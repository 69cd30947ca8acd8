#include "gateway/http/weights.h"

#include <string>

#include "gateway/base/text.h"

namespace upgate::http {
namespace {

int ParseWeight(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return 0;
  int weight = text[0] == '1' ? Weighted::kFull : 0;
  text.remove_prefix(1);
  if (text.empty()) return weight;
  if (text[0] != '.' || text.size() > 4) return 0;
  int place = 100;
  for (const char c : text.substr(1)) {
    if (!IsDigit(c)) return 0;
    weight += (c - '0') * place;
    place /= 10;
  }
  return weight <= Weighted::kFull ? weight : 0;
}

}  // namespace

Weighted ReadWeighted(std::string_view item) {
  std::size_t semicolon = item.find(';');
  Weighted read{.name = Trim(item.substr(0, semicolon))};
  while (semicolon != std::string_view::npos) {
    item.remove_prefix(semicolon + 1);
    semicolon = item.find(';');
    const std::string_view parameter = Trim(item.substr(0, semicolon));
    if (parameter.size() >= 2 && ToLower(parameter[0]) == 'q' && parameter[1] == '=')
      read.weight = ParseWeight(parameter.substr(2));
  }
  return read;
}

bool AsksForHtml(const Headers& headers) {
  const std::string accept = headers.Joined("accept");
  std::string_view list = accept;
  for (auto item = NextListItem(list); !item.empty(); item = NextListItem(list)) {
    const Weighted type = ReadWeighted(item);
    if (EqualsIgnoreCase(type.name, "text/html")) return type.weight > 0;
  }
  return false;
}

}  // namespace upgate::http
