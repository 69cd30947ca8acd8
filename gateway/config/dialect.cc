#include "gateway/config/dialect.h"

namespace upgate::config {

std::string DialectSet::ToString() const {
  std::string names;
  for (std::size_t i = 0; i < kDialects; ++i) {
    if (!Has(static_cast<Dialect>(i))) continue;
    if (!names.empty()) names += ", ";
    names += kDialectNames[i];
  }
  return names;
}

}  // namespace upgate::config
