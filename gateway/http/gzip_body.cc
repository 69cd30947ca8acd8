#include "gateway/http/gzip_body.h"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <cassert>
#include <optional>

#include "gateway/base/text.h"
#include "gateway/http/weights.h"

namespace upgate::http {
namespace {

// A window of 16 KiB and tables to match: (1 << 16) + (1 << 16) bytes at most, and a gzip header.
constexpr int kWindowBits = 14;
constexpr int kGzip = 16;
constexpr int kMemoryLevel = 7;
constexpr std::size_t kStateBytes = 104 * 1024;
constexpr std::size_t kPiece = 16 * 1024;

// Fields about the bytes of the body as they were (RFC 9530 and older).
constexpr std::array<std::string_view, 4> kOfBytes{"content-md5", "digest", "content-digest",
                                                   "accept-ranges"};

// Whether Accept-Encoding lists `coding`, and with a weight; nullopt if it is not listed.
std::optional<bool> IsAccepted(const Headers& headers, std::string_view coding) {
  const std::string list = headers.Joined("accept-encoding");
  std::string_view rest = list;
  for (auto item = NextListItem(rest); !item.empty(); item = NextListItem(rest)) {
    const Weighted offer = ReadWeighted(item);
    if (EqualsIgnoreCase(offer.name, coding)) return offer.weight > 0;
  }
  return {};
}

bool TakesGzip(const Request& request) {
  if (request.version != Version::kHttp11) return false;  // without chunks there is no end
  const auto gzip = IsAccepted(request.headers, "gzip");
  return gzip ? *gzip : IsAccepted(request.headers, "*").value_or(false);
}

// "text/*" matches all of that type.
bool IsOneOf(const std::vector<std::string>& types, std::string_view content_type) {
  const std::string_view type = Trim(content_type.substr(0, content_type.find(';')));
  return std::ranges::any_of(types, [&](std::string_view pattern) {
    if (!pattern.ends_with("/*")) return EqualsIgnoreCase(type, pattern);
    pattern.remove_suffix(1);
    return type.size() > pattern.size() &&
           EqualsIgnoreCase(type.substr(0, pattern.size()), pattern);
  });
}

bool IsCompressible(const Response& response, const config::HttpCompression& settings) {
  const Headers& headers = response.headers;
  const std::string* type = headers.Find("content-type");
  return response.status >= 200 && response.status != 204 && response.status != 206 &&
         response.status != 304 && type != nullptr && IsOneOf(settings.types, *type) &&
         headers.Find("content-encoding") == nullptr && headers.Find("content-range") == nullptr &&
         !headers.HasToken("cache-control", "no-transform");
}

}  // namespace

bool PrepareGzip(const Request& request, const config::HttpCompression& settings,
                 std::optional<std::uint64_t> length, Response& response) {
  const bool unchanged = response.status == 304;
  const bool compressible =
      IsCompressible(response, settings) && (!length || *length >= settings.min_size);
  if (!compressible && !unchanged) return false;
  if (!response.headers.HasToken("vary", "accept-encoding") &&
      !response.headers.HasToken("vary", "*"))
    response.headers.Add("Vary", "Accept-Encoding");
  if (!compressible || !TakesGzip(request)) return false;
  response.headers.Filter([](Header& header) {
    if (std::ranges::any_of(kOfBytes,
                            [&](auto name) { return EqualsIgnoreCase(header.name, name); }))
      return false;
    // The same content in other bytes (RFC 9110, section 8.8.1).
    if (EqualsIgnoreCase(header.name, "etag") && !header.value.starts_with("W/"))
      header.value.insert(0, "W/");
    return !EqualsIgnoreCase(header.name, "content-length");
  });
  response.headers.Add("Content-Encoding", "gzip");
  return true;
}

struct GzipBody::State {
  z_stream stream{};
  bool made = false;
  ~State() {
    if (made) deflateEnd(&stream);
  }
};

std::unique_ptr<GzipBody> GzipBody::Make(int level, io::MemoryLedger* ledger) {
  auto state = std::make_unique<State>();
  state->made = deflateInit2(&state->stream, level, Z_DEFLATED, kWindowBits + kGzip, kMemoryLevel,
                             Z_DEFAULT_STRATEGY) == Z_OK;
  if (!state->made) return nullptr;
  return std::unique_ptr<GzipBody>(new GzipBody(std::move(state), ledger));
}

GzipBody::GzipBody(std::unique_ptr<State> state, io::MemoryLedger* ledger)
    : state_(std::move(state)) {
  if (ledger == nullptr) return;
  charge_.emplace(*ledger);
  charge_->Set(kStateBytes);
}

GzipBody::~GzipBody() = default;

void GzipBody::Add(Bytes bytes, std::string& out) {
  if (!bytes.empty()) Run(bytes, Z_NO_FLUSH, out);
}

void GzipBody::Flush(std::string& out) {
  Run({}, Z_SYNC_FLUSH, out);
}

void GzipBody::Finish(std::string& out) {
  Run({}, Z_FINISH, out);
}

void GzipBody::Run(Bytes bytes, int flush, std::string& out) {
  z_stream& stream = state_->stream;
  // zlib does not change its input.
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  do {
    const std::size_t before = out.size();
    out.resize(before + kPiece);
    stream.next_out = reinterpret_cast<Bytef*>(out.data() + before);
    stream.avail_out = kPiece;
    deflate(&stream, flush);
    out.resize(before + kPiece - stream.avail_out);
  } while (stream.avail_out == 0);
  assert(stream.avail_in == 0);
}

}  // namespace upgate::http
