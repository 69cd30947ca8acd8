#include "plugins/files/answer.h"

#include <array>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "plugins/files/conditions.h"
#include "plugins/files/ranges.h"

namespace upgate::plugins::files {
namespace {

// The headers of every response about a file, including those without it (RFC 9110, section
// 15.4.5).
http::Headers CommonHeaders(const Options& options, const Validators& validators) {
  http::Headers headers;
  if (!validators.etag.empty()) headers.Add("ETag", validators.etag);
  if (validators.last_modified)
    headers.Add("Last-Modified", http::HttpDate(*validators.last_modified));
  // The request headers that select the response. Also sent while only one encoding exists:
  // otherwise a cache would keep using that response when there are more.
  if (options.precompressed) headers.Add("Vary", "Accept-Encoding");
  if (!options.fallback.empty()) headers.Add("Vary", "Accept");
  return headers;
}

// Only for cacheable responses: a stored 416 would replace the file.
void AddCacheControl(http::Headers& headers, const Options& options) {
  if (!options.cache_control.empty()) headers.Add("Cache-Control", options.cache_control);
}

http::Response WithHeaders(http::Response response, const http::Headers& headers) {
  for (const auto& [name, value] : headers) response.headers.Add(name, value);
  return response;
}

FileAnswer WholeFile(const Found& found) {
  FileAnswer answer{.head = {}, .body = {{"", 0, found.file.size}}, .length = found.file.size};
  answer.head.headers.Add("Accept-Ranges", "bytes");
  return answer;
}

std::string ContentRange(const ByteRange& part, std::uint64_t size) {
  return fmt::format("bytes {}-{}/{}", part.first, part.end() - 1, size);
}

FileAnswer OnePart(const Found& found, const ByteRange& part) {
  FileAnswer answer{.head = {}, .body = {{"", part.first, part.length}}, .length = part.length};
  answer.head.status = 206;
  answer.head.headers.Add("Content-Range", ContentRange(part, found.file.size));
  return answer;
}

// Random, so that the file cannot contain it.
std::string MakeBoundary(io::Entropy& entropy) {
  std::array<std::byte, 16> bytes;
  entropy.Fill(bytes);
  std::string boundary;
  for (const std::byte byte : bytes)
    boundary += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return boundary;
}

// multipart/byteranges (RFC 9110, section 14.6).
FileAnswer SeveralParts(const Found& found, const std::vector<ByteRange>& parts,
                        std::string_view type, io::Entropy& entropy) {
  const std::string boundary = MakeBoundary(entropy);
  FileAnswer answer;
  answer.head.status = 206;
  answer.head.headers.Add("Content-Type", "multipart/byteranges; boundary=" + boundary);
  for (const ByteRange& part : parts) {
    const std::string_view before = answer.body.empty() ? "" : "\r\n";
    answer.body.push_back({fmt::format("{}--{}\r\nContent-Type: {}\r\nContent-Range: {}\r\n\r\n",
                                       before, boundary, type, ContentRange(part, found.file.size)),
                           part.first, part.length});
  }
  answer.body.push_back({fmt::format("\r\n--{}--\r\n", boundary), 0, 0});
  for (const Piece& piece : answer.body) answer.length += piece.text.size() + piece.length;
  return answer;
}

http::Response NotModified(const Options& options) {
  http::Response response;
  response.status = 304;
  AddCacheControl(response.headers, options);
  return response;
}

http::Response Unsatisfiable(std::uint64_t size) {
  http::Response response = http::TextResponse(416, "the file ends before the range begins");
  response.headers.Add("Content-Range", fmt::format("bytes */{}", size));
  return response;
}

// Ranges are only defined for GET (RFC 9110, section 14.2), and a repeated Range is ignored.
RangeSet RangesOf(const http::Request& request, const Validators& validators, std::uint64_t size,
                  std::int64_t now) {
  if (request.method != "GET" || request.headers.Count("range") != 1) return {};
  if (!IfRangeHolds(request.headers, validators, now)) return {};
  return ResolveRanges(*request.headers.Find("range"), size);
}

}  // namespace

std::expected<FileAnswer, http::Response> MakeAnswer(const Options& options, const Found& found,
                                                     const http::Request& request, std::int64_t now,
                                                     io::Entropy& entropy) {
  const Validators validators =
      ValidatorsOf(found.file, found.coding != nullptr ? found.coding->name : "", now);
  const http::Headers common = CommonHeaders(options, validators);
  switch (EvaluateConditions(request.headers, validators, now)) {
    case Verdict::kNotModified:
      return std::unexpected(WithHeaders(NotModified(options), common));
    case Verdict::kPreconditionFailed:
      return std::unexpected(WithHeaders(http::TextResponse(412, "the file has changed"), common));
    case Verdict::kServe:
      break;
  }
  // The selected representation is the encoded file, so ranges apply to it (RFC 9110, section
  // 14.1.2).
  const RangeSet ranges = RangesOf(request, validators, found.file.size, now);
  if (ranges.kind == RangeSet::Kind::kUnsatisfiable)
    return std::unexpected(WithHeaders(Unsatisfiable(found.file.size), common));
  const std::string_view type = options.content_types.Of(found.path);
  FileAnswer answer;
  if (ranges.parts.empty() || (ranges.parts.size() > 1 && found.coding != nullptr)) {
    // Content-Encoding cannot be given for the parts of a multipart: it would apply to the
    // multipart as a whole.
    answer = WholeFile(found);
  } else if (ranges.parts.size() == 1) {
    answer = OnePart(found, ranges.parts.front());
  } else {
    answer = SeveralParts(found, ranges.parts, type, entropy);
  }
  http::Headers& headers = answer.head.headers;
  if (headers.Find("content-type") == nullptr) headers.Add("Content-Type", type);
  if (found.coding != nullptr) headers.Add("Content-Encoding", found.coding->name);
  headers.Add("X-Content-Type-Options", "nosniff");
  AddCacheControl(headers, options);
  answer.head = WithHeaders(std::move(answer.head), common);
  return answer;
}

}  // namespace upgate::plugins::files
