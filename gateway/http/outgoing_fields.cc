#include "gateway/http/outgoing_fields.h"

#include <cassert>

#include "gateway/base/text.h"
#include "gateway/http/body_writer.h"

namespace upgate::http {
namespace {

// Enough for a typical browser request, to avoid reallocation.
constexpr std::size_t kUsualSize = 1024;

bool IsOfTheConnection(std::string_view name) {
  return IsFramingHeader(name) || EqualsIgnoreCase(name, "connection") ||
         EqualsIgnoreCase(name, "upgrade");
}

}  // namespace

OutgoingFields::OutgoingFields(std::initializer_list<Header> headers) {
  for (const Header& header : headers) Add(header.name, header.value);
}

OutgoingFields::OutgoingFields(const Headers& headers) {
  for (const Header& header : headers) Add(header.name, header.value);
}

void OutgoingFields::Add(std::string_view name, std::string_view value) {
  if (!FieldCanBeSent(name, value)) {
    sound_ = false;
  } else {
    Append(name, value);
  }
}

void OutgoingFields::AddParsed(const Header& header) {
  assert(FieldCanBeSent(header.name, header.value));
  Append(header.name, header.value);
}

void OutgoingFields::Append(std::string_view name, std::string_view value) {
  if (IsOfTheConnection(name)) return;
  if (text_.empty()) text_.reserve(kUsualSize);
  AddField(text_, name, value);
}

}  // namespace upgate::http
