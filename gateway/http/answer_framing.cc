#include "gateway/http/answer_framing.h"

#include <algorithm>

#include "gateway/base/text.h"
#include "gateway/http/chars.h"

namespace upgate::http {
namespace {

constexpr std::string_view kLength = "content-length";

bool IsNamed(std::string_view line, std::string_view name) {
  return line.size() > name.size() && line[name.size()] == ':' &&
         EqualsIgnoreCase(line.substr(0, name.size()), name);
}

// The head without the lines for which `drop` returns true; nullopt if there are none.
template <class Drop>
std::optional<std::string> WithoutLines(std::string_view head, Drop&& drop) {
  std::string kept;
  kept.reserve(head.size());
  bool dropped = false;
  while (!head.empty()) {
    const std::size_t size = head.find("\r\n") + 2;
    const std::string_view line = head.substr(0, size);
    head.remove_prefix(size);
    if (drop(line)) {
      dropped = true;
    } else {
      kept += line;
    }
  }
  return dropped ? std::optional(std::move(kept)) : std::nullopt;
}

// The value that all elements of `list` share; nullopt if they differ or one is not a number.
std::optional<std::string_view> OnlyNumber(std::string_view list) {
  std::optional<std::string_view> only;
  for (bool more = true; more;) {
    const std::size_t comma = list.find(',');
    more = comma != std::string_view::npos;
    const std::string_view item = Trim(list.substr(0, comma));
    if (item.empty() || !std::ranges::all_of(item, IsDigit) || item != only.value_or(item))
      return {};
    only = item;
    if (more) list.remove_prefix(comma + 1);
  }
  return only;
}

}  // namespace

std::optional<std::string> WithoutFraming(std::string_view head) {
  return WithoutLines(head, [](std::string_view line) {
    return IsNamed(line, kLength) || IsNamed(line, "transfer-encoding");
  });
}

std::optional<std::string> MergeContentLengths(std::string_view head) {
  std::optional<std::string> values;
  auto rest = WithoutLines(head, [&](std::string_view line) {
    if (!IsNamed(line, kLength)) return false;
    const std::string_view value = line.substr(kLength.size() + 1);
    values = (values ? *values + "," : "").append(Trim(value.substr(0, value.size() - 2)));
    return true;
  });
  if (!rest) return {};
  const auto length = OnlyNumber(*values);
  if (!length) return {};
  const std::size_t first_field = rest->find("\r\n") + 2;
  rest->insert(first_field, std::string("Content-Length: ").append(*length).append("\r\n"));
  return rest;
}

}  // namespace upgate::http
