#include "plugins/files/negotiation.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>
#include <utility>

#include "gateway/base/text.h"

namespace upgate::plugins::files {
namespace {

constexpr std::array<Coding, 3> kCodings{{{"br", ".br"}, {"zstd", ".zst"}, {"gzip", ".gz"}}};

constexpr int kFullWeight = 1000;

// A qvalue in thousandths (RFC 9110, section 12.4.2). A malformed one counts as 0.
int ParseWeight(std::string_view text) {
  if (text.empty() || (text[0] != '0' && text[0] != '1')) return 0;
  int weight = text[0] == '1' ? kFullWeight : 0;
  text.remove_prefix(1);
  if (text.empty()) return weight;
  if (text[0] != '.' || text.size() > 4) return 0;
  int place = 100;
  for (const char c : text.substr(1)) {
    if (!IsDigit(c)) return 0;
    weight += (c - '0') * place;
    place /= 10;
  }
  return weight <= kFullWeight ? weight : 0;
}

// An element of an Accept header: "gzip;q=0.5", "text/html;level=1;q=0.7".
struct Offer {
  std::string_view name;
  int weight = kFullWeight;
};

Offer ParseOffer(std::string_view item) {
  std::size_t semicolon = item.find(';');
  Offer offer{.name = Trim(item.substr(0, semicolon))};
  while (semicolon != std::string_view::npos) {
    item.remove_prefix(semicolon + 1);
    semicolon = item.find(';');
    const std::string_view parameter = Trim(item.substr(0, semicolon));
    if (parameter.size() >= 2 && ToLower(parameter[0]) == 'q' && parameter[1] == '=') {
      offer.weight = ParseWeight(parameter.substr(2));
    }
  }
  return offer;
}

// The weight of each coding, and of identity if the client gives one.
struct Weights {
  std::array<std::optional<int>, kCodings.size()> coding;
  std::optional<int> identity;
  std::optional<int> rest;  // "*"
};

Weights ParseWeights(std::string_view list) {
  Weights weights;
  for (auto item = NextListItem(list); !item.empty(); item = NextListItem(list)) {
    const Offer offer = ParseOffer(item);
    if (offer.name == "*") weights.rest = offer.weight;
    if (EqualsIgnoreCase(offer.name, "identity")) weights.identity = offer.weight;
    const std::string_view name = EqualsIgnoreCase(offer.name, "x-gzip") ? "gzip" : offer.name;
    for (std::size_t i = 0; i < kCodings.size(); ++i) {
      if (EqualsIgnoreCase(name, kCodings[i].name)) weights.coding[i] = offer.weight;
    }
  }
  return weights;
}

}  // namespace

std::vector<const Coding*> PreferredCodings(const http::Headers& headers) {
  const Weights weights = ParseWeights(headers.Joined("accept-encoding"));
  std::vector<std::pair<int, const Coding*>> weighed;
  for (std::size_t i = 0; i < kCodings.size(); ++i) {
    const int weight = weights.coding[i].value_or(weights.rest.value_or(0));
    if (weight > 0 && weight >= weights.identity.value_or(0))
      weighed.emplace_back(weight, &kCodings[i]);
  }
  std::ranges::stable_sort(weighed, std::ranges::greater{},
                           [](const auto& pair) { return pair.first; });
  std::vector<const Coding*> codings;
  for (const auto& [weight, coding] : weighed) codings.push_back(coding);
  return codings;
}

bool AsksForHtml(const http::Headers& headers) {
  const std::string accept = headers.Joined("accept");
  std::string_view list = accept;
  for (auto item = NextListItem(list); !item.empty(); item = NextListItem(list)) {
    const Offer offer = ParseOffer(item);
    if (EqualsIgnoreCase(offer.name, "text/html")) return offer.weight > 0;
  }
  return false;
}

}  // namespace upgate::plugins::files
