#include "gateway/config/regex.h"

#include <re2/re2.h>
#include <utility>

#include <fmt/format.h>

#include "gateway/base/text.h"

namespace upgate::config {
namespace {

constexpr int kLongestLiteral = 256;

// Nothing is known of an expression that does not begin with '^'.
std::string LiteralOf(const RE2& expression) {
  std::string least;
  std::string most;
  if (!expression.pattern().starts_with('^') ||
      !expression.PossibleMatchRange(&least, &most, kLongestLiteral))
    return {};
  return {least.begin(), std::ranges::mismatch(least, most).in1};
}

}  // namespace

Reading<Regex> ReadRegex(std::string_view expression, std::string_view example) {
  if (expression.empty()) {
    return Refuse("has no regular expression after '~'",
                  fmt::format("write for example {}", example));
  }
  RE2::Options options(RE2::Quiet);
  options.set_max_mem(PathPattern::kRegexMemory);
  const RE2 compiled(std::string(expression), options);
  if (compiled.error_code() == RE2::ErrorPatternTooLarge) {
    return Refuse("is too large: it takes more than 1 MiB when compiled",
                  R"(a class such as [\pL] counts as often as it is repeated)");
  }
  if (!compiled.ok()) return Refuse("is not a regular expression", Excerpt(compiled.error()));
  return Regex{.text = std::string(expression),
               .instructions = static_cast<std::size_t>(std::max(compiled.ProgramSize(), 0) +
                                                        std::max(compiled.ReverseProgramSize(), 0)),
               .captures = static_cast<std::size_t>(compiled.NumberOfCapturingGroups()),
               .literal = LiteralOf(compiled)};
}

Reading<ValueCondition> Syntax<ValueCondition>::Read(std::string_view text) {
  using Kind = ValueCondition::Kind;
  ValueCondition condition{.name = {}, .written = std::string(text)};
  if (text.empty())
    return Refuse("is empty", "write present for any value, or \"=\" for an empty one");
  if (std::ranges::any_of(text, IsControl)) return Refuse("has a control character in it");
  if (text == "present") return condition;
  if (!text.starts_with('~')) {
    condition.kind = Kind::kExact;
    condition.text = text.substr(text.starts_with('=') ? 1 : 0);
    return condition;
  }
  auto regex = ReadRegex(text.substr(1), "~^v[0-9]+$");
  if (!regex) return std::unexpected(std::move(regex.error()));
  condition.kind = Kind::kRegex;
  condition.text = std::move(regex->text);
  condition.instructions = regex->instructions;
  return condition;
}

bool RegexBudget::MayRead(const Field& field) {
  if (left_ > 0) return true;
  if (!std::exchange(told_, true))
    field.Error("skipped, like all regular expressions below: those above are too large");
  return false;
}

void RegexBudget::Spend(const Field& field, std::size_t cost, bool valid) {
  if (cost > left_ && valid) {
    told_ = true;
    field.Error(
        "the regular expressions up to here are too large together; make them smaller, or use "
        "exact paths and prefixes");
  }
  left_ -= std::min(left_, cost);
}

}  // namespace upgate::config
