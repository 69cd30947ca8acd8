#include "plugins/files/negotiation.h"

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

#include "gateway/base/text.h"
#include "gateway/plugin/accept.h"

namespace upgate::plugins::files {
namespace {

constexpr std::array<Coding, 3> kCodings{{{"br", ".br"}, {"zstd", ".zst"}, {"gzip", ".gz"}}};

// The weight of each coding, and of identity if the client gives one.
struct Weights {
  std::array<std::optional<int>, kCodings.size()> coding;
  std::optional<int> identity;
  std::optional<int> rest;  // "*"
};

Weights ParseWeights(std::string_view list) {
  Weights weights;
  for (auto item = NextListItem(list); !item.empty(); item = NextListItem(list)) {
    const http::Weighted offer = http::ReadWeighted(item);
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

}  // namespace upgate::plugins::files
