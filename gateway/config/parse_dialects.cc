#include "gateway/config/sections.h"

namespace upgate::config {

std::optional<DialectSet> ParseDialects(const Field& field) {
  if (!field.present()) return {};
  const std::vector<Field> items = field.Items();
  if (field.value().kind == Value::Kind::kSequence && items.empty()) {
    field.Error("is an empty list; leave dialects out for the default");
  }
  DialectSet dialects;
  for (const Field& item : items) {
    const auto dialect =
        item.OneOf<std::optional<Dialect>>({{NameOf(Dialect::kRfc6455), Dialect::kRfc6455},
                                            {NameOf(Dialect::kHybi08), Dialect::kHybi08},
                                            {NameOf(Dialect::kHixie76), Dialect::kHixie76},
                                            {NameOf(Dialect::kHixie75), Dialect::kHixie75}},
                                           std::nullopt);
    if (!dialect) continue;
    if (dialects.Has(*dialect)) item.Refuse({"is listed twice"}, "");
    dialects.Add(*dialect);
  }
  return dialects;
}

}  // namespace upgate::config
