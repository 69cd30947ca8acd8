#include "gateway/config/template_syntax.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/text.h"

namespace upgate::config {
namespace {

using Variable = Template::Variable;

constexpr std::string_view kCapture = "capture.";
constexpr std::string_view kClaim = "claim.";
constexpr std::array<std::string_view, 10> kNames{"client",    "client_port", "host", "path",
                                                  "route",     "session",     "user", "tls.sni",
                                                  "capture.1", "claim.NAME"};
constexpr std::array<Variable, 8> kVariables{
    Variable::kClient, Variable::kClientPort, Variable::kHost, Variable::kPath,
    Variable::kRoute,  Variable::kSession,    Variable::kUser, Variable::kServerName};

std::optional<std::size_t> CaptureNumber(std::string_view name) {
  if (!name.starts_with(kCapture)) return {};
  name.remove_prefix(kCapture.size());
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), number);
  const bool whole = error == std::errc{} && end == name.data() + name.size();
  return whole && number > 0 && number < 100 ? std::optional(number) : std::nullopt;
}

Reading<Template::Part> ReadVariable(std::string_view name) {
  const auto known = std::ranges::find(kNames, name);
  if (known < kNames.begin() + kVariables.size())
    return Template::Part{.variable = kVariables[static_cast<std::size_t>(known - kNames.begin())]};
  if (const auto number = CaptureNumber(name))
    return Template::Part{.variable = Variable::kCapture, .capture = *number};
  if (name.starts_with(kClaim) && name.size() > kClaim.size())
    return Template::Part{.variable = Variable::kClaim,
                          .text = std::string(name.substr(kClaim.size()))};
  const std::string_view near = NearestOf(name, kNames);
  return Refuse(fmt::format("has the unknown variable {{{}}}", Excerpt(name)),
                near.empty()
                    ? fmt::format("there are {{{}}}; a brace is written {{{{", Join(kNames, "}, {"))
                    : fmt::format("did you mean {{{}}}?", near));
}

void AddText(Template& text, std::string_view piece) {
  if (piece.empty()) return;
  if (text.parts.empty() || text.parts.back().variable != Variable::kNone)
    text.parts.emplace_back();
  text.parts.back().text += piece;
}

}  // namespace

Reading<Template> Syntax<Template>::Read(std::string_view text) {
  Template read;
  read.written = text;
  if (std::ranges::any_of(text, [](char c) { return IsControl(c) && c != '\t'; }))
    return Refuse("has a control character in it");
  while (!text.empty()) {
    const std::size_t brace = std::min(text.find('{'), text.size());
    AddText(read, text.substr(0, brace));
    text.remove_prefix(brace);
    if (text.empty()) break;
    if (text.starts_with("{{")) {
      AddText(read, "{");
      text.remove_prefix(2);
      continue;
    }
    const std::size_t end = text.find('}');
    if (end == std::string_view::npos)
      return Refuse("has a '{' without '}'", "a brace is written {{");
    auto variable = ReadVariable(text.substr(1, end - 1));
    if (!variable) return std::unexpected(std::move(variable.error()));
    read.parts.push_back(std::move(*variable));
    text.remove_prefix(end + 1);
  }
  return read;
}

}  // namespace upgate::config
