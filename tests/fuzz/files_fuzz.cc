// The files plugin: for any request, only bytes of a file below the root are served, in ranges that
// lie inside it and match the head. Input: a byte for the route and the options, the request.

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "gateway/base/text.h"
#include "gateway/http/body_writer.h"
#include "plugins/files/answer.h"
#include "plugins/files/http_date.h"
#include "plugins/files/lookup.h"
#include "plugins/files/ranges.h"
#include "plugins/files/stream.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/request.h"
#include "tests/support/fake_loop.h"
#include "tests/support/temp_folder.h"

namespace upgate::plugins::files {
namespace {

using fuzz::Require;

constexpr std::int64_t kNow = 1'767'323'045;

// Files inside begin with "inside"; files outside of the root, or that must not be served, with
// "secret".
class Site {
 public:
  Site() {
    folder_.Write("secret.txt", "secret");
    folder_.Write("root/index.html", "inside: the page");
    folder_.Write("root/a.txt", "inside: " + std::string(300, 'a'));
    folder_.Write("root/a.txt.gz", "inside: packed");
    folder_.Write("root/b/c.css", "inside: style");
    folder_.Write("root/b/index.html", "inside: another page");
    folder_.Write("root/.well-known/x", "inside: known");
    folder_.Write("root/.hidden", "secret");
    folder_.Write("root/empty", "");
    folder_.Link("root/out", "../secret.txt");
    folder_.Link("root/up", "..");
    folder_.Link("root/abs", "/etc/passwd");
    folder_.Link("root/in", "a.txt");
    root_ = *Folder::Open(folder_.At("root"));
  }
  Folder& root() { return root_; }

 private:
  test::TempFolder folder_;
  Folder root_;
};

std::string ReadAll(const OpenFile& file) {
  std::string content(file.size, '\0');
  Require(ReadAt(file.fd, 0, std::as_writable_bytes(std::span(content))));
  return content;
}

void CheckLocalPath(const config::PathPattern& route, const http::Target& target) {
  const auto local = LocalPathOf(route, target, false);
  if (!local) return;
  std::string_view rest = local->names;
  Require(!rest.starts_with('/') && !rest.ends_with('/') &&
          rest.find('\0') == std::string_view::npos);
  for (bool first = true; !rest.empty(); first = false) {
    const std::string_view name = rest.substr(0, rest.find('/'));
    Require(!name.empty() && (!name.starts_with('.') || (first && name == ".well-known")));
    rest.remove_prefix(std::min(name.size() + 1, rest.size()));
  }
}

void CheckRanges(const http::Request& request, std::uint64_t size) {
  const std::string* header = request.headers.Find("Range");
  if (header == nullptr) return;
  const RangeSet set = ResolveRanges(*header, size);
  Require(set.parts.empty() == (set.kind != RangeSet::Kind::kParts) &&
          set.parts.size() <= kMaxRanges);
  for (std::size_t i = 0; i < set.parts.size(); ++i) {
    const ByteRange& part = set.parts[i];
    Require(part.length > 0 && part.first < size && part.length <= size - part.first);
    for (std::size_t j = 0; j < i; ++j)
      Require(part.end() <= set.parts[j].first || set.parts[j].end() <= part.first);
  }
}

void CheckDate(const http::Request& request) {
  const std::string* header = request.headers.Find("If-Modified-Since");
  if (header == nullptr) return;
  const auto date = ParseHttpDate(*header, kNow);
  if (!date || *date < 0) return;
  Require(ParseHttpDate(http::HttpDate(*date), kNow) == date);
}

void CheckHead(const http::Response& head) {
  Require(head.status >= 200 && head.status <= 503);
  Require(std::ranges::all_of(head.headers, http::CanBeSent));
  // A redirect to a folder must not name another host.
  const std::string* location = head.headers.Find("Location");
  if (location != nullptr) Require(location->starts_with("./") && location->find("//") != 0);
}

void CheckAnswer(const FileAnswer& answer, const OpenFile& file) {
  CheckHead(answer.head);
  std::uint64_t length = 0;
  for (const Piece& piece : answer.body) {
    Require(piece.offset <= file.size && piece.length <= file.size - piece.offset);
    length += piece.text.size() + piece.length;
  }
  Require(length == answer.length && (answer.head.status == 200 || answer.head.status == 206));
  if (answer.head.status == 200) Require(answer.length == file.size);
}

config::PathPattern RouteFor(std::size_t choice) {
  using Kind = config::PathPattern::Kind;
  if (choice == 0) return {.kind = Kind::kPrefix, .text = "", .written = "/*"};
  if (choice == 1) return {.kind = Kind::kPrefix, .text = "/files", .written = "/files/*"};
  if (choice == 2) return {.kind = Kind::kExact, .text = "/", .written = "/"};
  return {.kind = Kind::kRegex, .text = "/.*", .written = "~/.*"};
}

void RunOne(std::uint8_t settings, const http::Request& request) {
  static Site site;
  static test::FixedEntropy entropy;
  const config::PathPattern route = RouteFor(settings & 3);
  CheckLocalPath(route, request.target);
  CheckRanges(request, 308);
  CheckRanges(request, ~std::uint64_t{0});
  CheckDate(request);
  Options options;
  std::swap(options.root, site.root());
  options.precompressed = (settings & 4) != 0;
  if ((settings & 8) != 0) options.fallback = "index.html";
  if ((settings & 16) != 0) options.cache_control = "no-cache";
  const auto found = FindFile(options, route, request);
  if (found) {
    const std::string content = ReadAll(found->file);
    Require(content.empty() || content.starts_with("inside"));
    const auto answer = MakeAnswer(options, *found, request, kNow, entropy);
    answer ? CheckAnswer(*answer, found->file) : CheckHead(answer.error());
  } else {
    CheckHead(found.error());
  }
  std::swap(options.root, site.root());
}

}  // namespace
}  // namespace upgate::plugins::files

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  upgate::fuzz::Input input(data, size);
  const std::uint8_t settings = input.Byte();
  if (const auto request = upgate::fuzz::ParseRequest(input.Rest()))
    upgate::plugins::files::RunOne(settings, *request);
  return 0;
}
