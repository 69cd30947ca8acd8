#include "gateway/config/sections.h"

namespace upgate::config {
namespace {

constexpr std::uint64_t kMostThreshold = 1ULL << 30;

std::uint8_t ParseWindowBits(const Field& field, std::uint8_t fallback) {
  return field.Optional(fallback, {8, 15});
}

}  // namespace

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

}  // namespace upgate::config
