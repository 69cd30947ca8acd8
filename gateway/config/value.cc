#include "gateway/config/value.h"

#include <algorithm>
#include <utility>

namespace upgate::config {
namespace {

// With its length in front, so that no text can look like the end of one.
void AppendText(std::string& out, std::string_view text) {
  out += std::to_string(text.size());
  out += ':';
  out += text;
}

void Append(std::string& out, const Value& value) {
  switch (value.kind) {
    case Value::Kind::kAbsent:
    case Value::Kind::kNull:
      out += '~';
      return;
    case Value::Kind::kScalar:
      out += value.quoted ? 'q' : 's';
      AppendText(out, value.scalar);
      return;
    case Value::Kind::kSequence:
      out += '[';
      for (const Value& item : value.items) Append(out, item);
      out += ']';
      return;
    case Value::Kind::kMap:
      break;
  }
  std::vector<std::pair<std::string_view, const Value*>> members;
  for (const Value::Member& member : value.members)
    members.emplace_back(member.key.scalar, &member.value);
  std::ranges::sort(members);
  out += '{';
  for (const auto& [key, member] : members) {
    AppendText(out, key);
    Append(out, *member);
  }
  out += '}';
}

}  // namespace

std::string WordsOf(const Value& value) {
  std::string out;
  Append(out, value);
  return out;
}

}  // namespace upgate::config
