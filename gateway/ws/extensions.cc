#include "gateway/ws/extensions.h"

#include <cstddef>
#include <utility>

#include "gateway/http/chars.h"

namespace upgate::ws {
namespace {

constexpr std::size_t kMaxElements = 32;

// Consumes the field from its front. failed() stays true after an error.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : rest_(text) {}

  bool failed() const { return failed_; }
  bool done() {
    SkipSpace();
    return rest_.empty();
  }

  // Consumes `c` if it is next; true if it was.
  bool Take(char c) {
    SkipSpace();
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string Token() {
    SkipSpace();
    const std::size_t size = http::TokenCharsAtFront(rest_);
    if (size == 0) failed_ = true;
    std::string token(rest_.substr(0, size));
    rest_.remove_prefix(size);
    return token;
  }

  // A quoted value must be a token after unescaping.
  std::string Value() {
    if (!Take('"')) return Token();
    std::string value;
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\') rest_.remove_prefix(1);
      if (rest_.empty()) break;
      value += rest_.front();
      rest_.remove_prefix(1);
    }
    if (!rest_.starts_with('"') || !http::IsToken(value)) {
      failed_ = true;
      return {};
    }
    rest_.remove_prefix(1);
    return value;
  }

 private:
  void SkipSpace() {
    while (!rest_.empty() && (rest_.front() == ' ' || rest_.front() == '\t'))
      rest_.remove_prefix(1);
  }

  std::string_view rest_;
  bool failed_ = false;
};

std::optional<Extension> ParseExtension(Scanner& scanner) {
  Extension extension{scanner.Token(), {}};
  while (!scanner.failed() && scanner.Take(';')) {
    if (extension.parameters.size() == kMaxElements) return {};
    Extension::Parameter parameter{scanner.Token(), {}};
    if (scanner.Take('=')) parameter.value = scanner.Value();
    extension.parameters.push_back(std::move(parameter));
  }
  if (scanner.failed()) return {};
  return extension;
}

}  // namespace

std::optional<std::vector<Extension>> ParseExtensions(std::string_view field) {
  std::vector<Extension> extensions;
  Scanner scanner(field);
  while (!scanner.done()) {
    if (scanner.Take(',')) continue;  // empty list elements are ignored
    if (extensions.size() == kMaxElements) return {};
    auto extension = ParseExtension(scanner);
    if (!extension) return {};
    extensions.push_back(*std::move(extension));
    if (!scanner.done() && !scanner.Take(',')) return {};
  }
  return extensions;
}

}  // namespace upgate::ws
