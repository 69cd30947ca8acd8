#include "gateway/http/field_changes.h"

#include <algorithm>

#include "gateway/http/proxy_fields.h"

namespace upgate::http {

bool FieldChanges::Drops(std::string_view name) const {
  return std::ranges::any_of(
      drop, [&](const std::string& known) { return EqualsAsVariable(name, known); });
}

void FieldChanges::Apply(Headers& headers) const {
  headers.Filter([&](const Header& header) { return !Drops(header.name); });
  for (const Header& header : add) headers.Add(header.name, header.value);
}

}  // namespace upgate::http
