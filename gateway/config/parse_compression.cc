#include <algorithm>

#include <fmt/format.h>

#include "gateway/config/sections.h"

namespace upgate::config {
namespace {

constexpr std::uint64_t kMostThreshold = 1ULL << 30;

std::uint8_t ParseWindowBits(const Field& field, std::uint8_t fallback) {
  return field.Optional(fallback, {8, 15});
}

// A session needs at least 11 KiB: a smaller value probably lacks its unit.
constexpr std::uint64_t kLeastMemory = 16 << 10;
constexpr std::uint64_t kMostMemory = 1ULL << 40;

}  // namespace

std::optional<HttpCompression> ParseHttpCompression(Field field) {
  HttpCompression compression;
  if (!field.present()) return {};
  if (field.value().kind == Value::Kind::kScalar)
    return field.Optional(false) ? std::optional(compression) : std::nullopt;
  compression.level = field["level"].Optional(compression.level, {1, 9});
  compression.min_size =
      field["min_size"]
          .Optional(ByteSize{compression.min_size}, {ByteSize{0}, ByteSize{kMostThreshold}})
          .bytes;
  if (const Field types = field["types"]; types.present()) {
    compression.types = types.List<std::string>();
    for (const Field& item : types.Items()) {
      if (item.value().scalar.find('/') == std::string::npos)
        item.Refuse({"is not a media type", "write application/json, or text/* for all of text"},
                    "");
    }
  }
  field.RejectUnknownKeys();
  return compression;
}

std::optional<Compression> ParseCompression(Field field, const Compression& defaults) {
  if (!field.present()) return {};
  if (field.value().kind == Value::Kind::kScalar) {
    return field.Optional(false) ? std::optional<Compression>(defaults) : std::nullopt;
  }
  Compression compression = defaults;
  compression.level = field["level"].Optional(compression.level, {1, 9});
  compression.threshold =
      field["threshold"]
          .Optional(ByteSize{compression.threshold}, {ByteSize{0}, ByteSize{kMostThreshold}})
          .bytes;
  compression.server_no_context_takeover =
      field["server_no_context_takeover"].Optional(compression.server_no_context_takeover);
  compression.client_no_context_takeover =
      field["client_no_context_takeover"].Optional(compression.client_no_context_takeover);
  compression.server_max_window_bits =
      ParseWindowBits(field["server_max_window_bits"], compression.server_max_window_bits);
  compression.client_max_window_bits =
      ParseWindowBits(field["client_max_window_bits"], compression.client_max_window_bits);
  field.RejectUnknownKeys();
  return compression;
}

std::uint64_t ParseCompressionMemory(const Field& field, std::uint64_t fallback,
                                     std::size_t workers) {
  const std::uint64_t bytes =
      field.Optional(ByteSize{fallback}, {ByteSize{0}, ByteSize{kMostMemory}}).bytes;
  const std::uint64_t sharers = std::max<std::uint64_t>(workers, 1);
  if (bytes == 0 || bytes / sharers >= kLeastMemory) return bytes;
  field.Refuse(
      {sharers == 1 ? "is not enough for one session"
                    : fmt::format("is not enough for one session on each of {} workers", sharers),
       fmt::format("use {}KiB or more, or 0 to disable compression",
                   sharers * kLeastMemory / 1024)},
      "");
  return fallback;
}

}  // namespace upgate::config
