#include "gateway/config/yaml_writer.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/text.h"
#include "gateway/config/yaml_text.h"

namespace upgate::config {
namespace {

// Words that are not text without quotes, in YAML 1.1 or 1.2.
bool IsReserved(std::string_view text) {
  constexpr std::string_view kReserved[] = {"null", "true", "false", "yes", "no",
                                            "on",   "off",  "y",     "n"};
  return std::ranges::any_of(kReserved, [&](auto word) { return EqualsIgnoreCase(word, text); });
}

// Text that YAML reads as itself at any place.
bool IsPlain(std::string_view text) {
  const auto allowed = [](char c) {
    return IsAlpha(c) || IsDigit(c) || std::string_view("_-./%+").contains(c);
  };
  const auto first = [](char c) { return IsAlpha(c) || IsDigit(c) || c == '/' || c == '.'; };
  return !text.empty() && first(text.front()) && std::ranges::all_of(text, allowed);
}

std::string Quoted(std::string_view text) {
  const bool utf8 = !FindBadCharacter(text) || std::ranges::all_of(text, [](char c) {
    return static_cast<signed char>(c) >= 0;
  });
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (IsControl(c) || (!utf8 && static_cast<signed char>(c) < 0)) {
      out += fmt::format("\\x{:02x}", static_cast<unsigned char>(c));
    } else {
      out += c;
    }
  }
  return out + '"';
}

std::string ScalarText(const Value& value) {
  if (value.kind == Value::Kind::kNull) return "null";
  const std::string& text = value.written.empty() ? value.scalar : value.written;
  return value.quoted || !IsPlain(text) ? Quoted(text) : text;
}

std::string KeyText(const std::string& key) {
  return IsPlain(key) && !IsReserved(key) ? key : Quoted(key);
}

void WriteMembers(std::string& out, const Value& map, std::size_t indent, bool indented);

// What follows "key:" or "-".
void WriteBehind(std::string& out, const Value& value, std::size_t indent, bool in_list) {
  switch (value.kind) {
    case Value::Kind::kMap:
      if (value.members.empty()) {
        out += " {}\n";
      } else if (in_list) {
        out += ' ';
        WriteMembers(out, value, indent + 2, true);
      } else {
        out += '\n';
        WriteMembers(out, value, indent + 2, false);
      }
      return;
    case Value::Kind::kSequence:
      if (value.items.empty()) {
        out += " []\n";
        return;
      }
      out += '\n';
      for (const Value& item : value.items) {
        out.append(indent + 2, ' ');
        out += '-';
        WriteBehind(out, item, indent + 2, true);
      }
      return;
    default:
      out += ' ' + ScalarText(value) + '\n';
  }
}

// `indented`: the first member follows a "- " in its line.
void WriteMembers(std::string& out, const Value& map, std::size_t indent, bool indented) {
  for (const Value::Member& member : map.members) {
    if (!std::exchange(indented, false)) out.append(indent, ' ');
    out += KeyText(member.key.scalar) + ':';
    WriteBehind(out, member.value, indent, false);
  }
}

}  // namespace

Value PlainValue(std::string text) {
  Value value;
  value.kind = Value::Kind::kScalar;
  value.scalar = std::move(text);
  return value;
}

Value TextValue(std::string_view text) {
  Value value;
  value.kind = Value::Kind::kScalar;
  value.quoted = true;
  for (std::size_t open = 0; (open = text.find("${")) != std::string_view::npos;
       text.remove_prefix(open + 2)) {
    value.scalar += text.substr(0, open);
    value.scalar += "$${";
  }
  value.scalar += text;
  return value;
}

Value ListOf(std::vector<Value> items) {
  Value value;
  value.kind = Value::Kind::kSequence;
  value.items = std::move(items);
  return value;
}

void Add(Value& map, std::string_view key, Value value) {
  if (value.kind == Value::Kind::kAbsent) return;
  map.kind = Value::Kind::kMap;
  Value::Member member;
  member.key.kind = Value::Kind::kScalar;
  member.key.scalar = key;
  member.value = std::move(value);
  map.members.push_back(std::move(member));
}

std::string WriteYaml(const Value& map) {
  std::string out;
  WriteMembers(out, map, 0, false);
  return out;
}

}  // namespace upgate::config
