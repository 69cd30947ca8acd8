#include "gateway/base/proxy_header.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "gateway/base/text.h"

namespace upgate {
namespace {

constexpr std::string_view kV1{"PROXY "};
constexpr std::size_t kMaxV1 = 107;  // CRLF included
constexpr std::string_view kV2{"\r\n\r\n\0\r\nQUIT\n", 12};
constexpr std::size_t kV2Head = 16;
constexpr std::size_t kUnixPath = 108;

constexpr std::uint8_t kLocal = 0x20, kProxied = 0x21;
constexpr std::uint8_t kUnspec = 0x00, kTcp4 = 0x11, kTcp6 = 0x21, kUnixStream = 0x31;

// Types of TLVs (section 2.2).
constexpr std::uint8_t kAlpn = 0x01, kAuthority = 0x02, kCrc32c = 0x03, kUniqueId = 0x05,
                       kSsl = 0x20, kSslVersion = 0x21, kSslName = 0x22, kSslCipher = 0x23,
                       kUser = 0xe0;  // the first custom one
constexpr std::uint8_t kClientSsl = 0x01, kClientCertConnection = 0x02;
constexpr std::size_t kMaxUniqueId = 128;
constexpr std::size_t kMaxValue = 1024;  // of the TLVs that are sent

using Parsed = std::expected<std::optional<ProxyHeader>, ProxyError>;

std::unexpected<ProxyError> Malformed(std::string_view reason) {
  return std::unexpected(ProxyError{ProxyFault::kMalformed, reason});
}

std::size_t Number16(std::string_view bytes) {
  return static_cast<std::size_t>(static_cast<std::uint8_t>(bytes[0])) << 8 |
         static_cast<std::uint8_t>(bytes[1]);
}

// A decimal number without leading zeros.
std::optional<std::uint16_t> ParsePort(std::string_view text) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return {};
  if (!std::ranges::all_of(text, IsDigit)) return {};
  std::uint32_t port = 0;
  std::from_chars(text.data(), text.data() + text.size(), port);
  if (port > 65'535) return {};
  return static_cast<std::uint16_t>(port);
}

// Up to the next space, which it removes, too.
std::string_view TakeWord(std::string_view& text) {
  const std::size_t end = text.find(' ');
  const std::string_view word = text.substr(0, end);
  text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
  return word;
}

// `line`: what stands between "PROXY " and CRLF.
Parsed ParseV1(std::string_view line) {
  if (line == "UNKNOWN" || line.starts_with("UNKNOWN ")) return ProxyHeader{};
  const std::string_view family = TakeWord(line);
  if (family != "TCP4" && family != "TCP6") return Malformed("its family is none of version 1");
  if (std::ranges::count(line, ' ') != 3)
    return Malformed("it has not two addresses and two ports");
  const bool v6 = family == "TCP6";
  const auto address = [v6](std::string_view word) -> std::optional<Ip> {
    if (word.contains(':') != v6) return {};
    return Ip::Parse(word);
  };
  const auto source = address(TakeWord(line));
  const auto destination = address(TakeWord(line));
  const auto source_port = ParsePort(TakeWord(line));
  const auto destination_port = ParsePort(line);
  if (!source || !destination) return Malformed("its addresses are not of its family");
  if (!source_port || !destination_port) return Malformed("its ports are not numbers");
  return ProxyHeader{IpPort{*source, *source_port}, IpPort{*destination, *destination_port}};
}

Ip ReadIp(std::string_view bytes) {
  Ip ip;
  if (bytes.size() == ip.bytes.size()) {
    std::memcpy(ip.bytes.data(), bytes.data(), bytes.size());
    return ip;
  }
  ip.bytes[10] = ip.bytes[11] = 0xff;
  std::memcpy(ip.bytes.data() + 12, bytes.data(), 4);
  return ip;
}

// `bytes`: both addresses, then both ports.
ProxyHeader ReadIps(std::string_view bytes, std::size_t size) {
  return {IpPort{ReadIp(bytes.substr(0, size)),
                 static_cast<std::uint16_t>(Number16(bytes.substr(2 * size)))},
          IpPort{ReadIp(bytes.substr(size, size)),
                 static_cast<std::uint16_t>(Number16(bytes.substr(2 * size + 2)))}};
}

std::string ReadUnixPath(std::string_view bytes) {
  std::string path(bytes.substr(0, bytes.find('\0')));
  if (std::ranges::any_of(path, IsControl)) path.clear();  // it goes into logs
  return path;
}

// The header with its CRC32c taken as zero is what the CRC32c is of.
bool HasRightChecksum(std::string_view header, std::size_t at) {
  std::string copy(header);
  const std::string_view sent = header.substr(at, 4);
  const auto wanted = static_cast<std::uint32_t>(Number16(sent) << 16 | Number16(sent.substr(2)));
  copy.replace(at, 4, 4, '\0');
  return Crc32c(AsBytes(copy)) == wanted;
}

// `at`: where the TLVs begin in the header.
std::optional<ProxyError> CheckTlvs(std::string_view header, std::size_t at) {
  while (at < header.size()) {
    if (header.size() - at < 3) return ProxyError{ProxyFault::kMalformed, "a TLV is cut off"};
    const auto type = static_cast<std::uint8_t>(header[at]);
    const std::size_t size = Number16(header.substr(at + 1));
    at += 3;
    if (size > header.size() - at)
      return ProxyError{ProxyFault::kMalformed, "a TLV is longer than the header"};
    if (type == kCrc32c) {
      if (size != 4) return ProxyError{ProxyFault::kMalformed, "its CRC32c has not four bytes"};
      if (!HasRightChecksum(header, at))
        return ProxyError{ProxyFault::kChecksum, "its CRC32c is wrong"};
    }
    at += size;
  }
  return {};
}

// `header`: whole, of the length that it gives.
Parsed ParseV2(std::string_view header) {
  const auto command = static_cast<std::uint8_t>(header[12]);
  const auto family = static_cast<std::uint8_t>(header[13]);
  if ((command & 0xf0) != 0x20) return Malformed("its version is not 2");
  if (command != kLocal && command != kProxied) return Malformed("its command is unknown");
  if (command == kLocal || family == kUnspec) return ProxyHeader{};
  const std::size_t addresses = family == kTcp4         ? 12
                                : family == kTcp6       ? 36
                                : family == kUnixStream ? 2 * kUnixPath
                                                        : 0;
  if (addresses == 0) return Malformed("its family is not one of stream sockets");
  const std::string_view body = header.substr(kV2Head);
  if (body.size() < addresses) return Malformed("it is too short for its addresses");
  if (const auto wrong = CheckTlvs(header, kV2Head + addresses)) return std::unexpected(*wrong);
  if (family == kUnixStream) {
    return ProxyHeader{UnixPath{ReadUnixPath(body.substr(0, kUnixPath))},
                       UnixPath{ReadUnixPath(body.substr(kUnixPath, kUnixPath))}};
  }
  return ReadIps(body, family == kTcp4 ? 4 : 16);
}

// What is known of a header by its beginning: its length, 0 where more bytes are needed to tell.
std::expected<std::size_t, ProxyError> LengthOf(std::string_view bytes) {
  const auto begins_with = [bytes](std::string_view signature) {
    return bytes.starts_with(signature.substr(0, bytes.size()));
  };
  if (begins_with(kV1)) {
    const std::size_t end = bytes.find("\r\n");
    if (end != std::string_view::npos && end + 2 <= kMaxV1) return end + 2;
    if (bytes.size() >= kMaxV1) return Malformed("its line has no end");
    return 0;
  }
  if (begins_with(kV2)) {
    if (bytes.size() < kV2Head) return 0;
    const std::size_t size = kV2Head + Number16(bytes.substr(14));
    if (size > kMaxProxyHeader) return Malformed("it is too long");
    return size;
  }
  return std::unexpected(
      ProxyError{ProxyFault::kAbsent, "the connection does not begin with a PROXY header"});
}

Parsed ParseWhole(std::string_view header) {
  if (header.starts_with(kV2)) return ParseV2(header);
  return ParseV1(header.substr(kV1.size(), header.size() - kV1.size() - 2));
}

void Add16(std::string& out, std::size_t number) {
  out += static_cast<char>(number >> 8 & 0xff);
  out += static_cast<char>(number & 0xff);
}

void Add32(std::string& out, std::uint32_t number) {
  Add16(out, number >> 16);
  Add16(out, number & 0xffff);
}

void AddTlv(std::string& out, std::uint8_t type, std::string_view value) {
  out += static_cast<char>(type);
  Add16(out, value.size());
  out += value;
}

void AddText(std::string& out, std::uint8_t type, std::string_view text, std::size_t most) {
  if (!text.empty() && text.size() <= most) AddTlv(out, type, text);
}

void AddTls(std::string& out, const ProxyFacts::Tls& tls) {
  std::string value;
  value += static_cast<char>(kClientSsl | (tls.client_certificate ? kClientCertConnection : 0));
  Add32(value, tls.client_certificate ? 0 : 1);  // 0: presented and verified
  AddText(value, kSslVersion, tls.version, kMaxValue);
  AddText(value, kSslName, tls.client_name, kMaxValue);
  AddText(value, kSslCipher, tls.cipher, kMaxValue);
  AddTlv(out, kSsl, value);
}

void AddIp(std::string& out, const Ip& ip, bool v4) {
  const std::size_t size = v4 ? 4 : 16;
  out.append(reinterpret_cast<const char*>(ip.bytes.data()) + 16 - size, size);
}

void AddPath(std::string& out, const std::string& path) {
  const std::size_t size = std::min(path.size(), kUnixPath);
  out.append(path, 0, size).append(kUnixPath - size, '\0');
}

// Adds the addresses; returns their family.
std::uint8_t AddAddresses(std::string& out, const SocketAddress& source,
                          const SocketAddress& destination) {
  const auto* from = std::get_if<IpPort>(&source);
  const auto* to = std::get_if<IpPort>(&destination);
  if (from != nullptr && to != nullptr) {
    const bool v4 = from->ip.is_v4() && to->ip.is_v4();
    AddIp(out, from->ip, v4);
    AddIp(out, to->ip, v4);
    Add16(out, from->port);
    Add16(out, to->port);
    return v4 ? kTcp4 : kTcp6;
  }
  if (from != nullptr || to != nullptr) return kUnspec;
  AddPath(out, std::get<UnixPath>(source).path);
  AddPath(out, std::get<UnixPath>(destination).path);
  return kUnixStream;
}

constexpr std::array<std::uint32_t, 256> MakeCrcTable() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < table.size(); ++i) {
    std::uint32_t value = i;
    for (int bit = 0; bit < 8; ++bit) value = value >> 1 ^ ((value & 1) != 0 ? 0x82f63b78u : 0u);
    table[i] = value;
  }
  return table;
}

}  // namespace

Parsed ProxyHeaderParser::Next(Bytes& input) {
  for (;;) {
    const std::string_view seen = kept_.empty() ? AsText(input) : std::string_view(kept_);
    const auto size = LengthOf(seen);
    if (!size) return std::unexpected(size.error());
    if (*size != 0 && seen.size() >= *size) {
      auto parsed = ParseWhole(seen.substr(0, *size));
      if (kept_.empty()) input = input.subspan(*size);
      return parsed;
    }
    if (input.empty()) return std::nullopt;
    // Byte by byte until the length is known, so that nothing behind the header is taken.
    const std::size_t wanted = *size == 0 ? 1 : *size - kept_.size();
    const std::size_t taken = std::min(wanted, input.size());
    Append(kept_, input.first(taken));
    input = input.subspan(taken);
  }
}

bool LooksLikeProxyHeader(std::string_view bytes) {
  // Up to the NUL, which no text has.
  if (bytes.size() >= 5 && bytes.starts_with(kV2.substr(0, std::min(bytes.size(), kV2.size()))))
    return true;
  if (!bytes.starts_with(kV1)) return false;
  bytes.remove_prefix(kV1.size());
  return bytes.starts_with("TCP4 ") || bytes.starts_with("TCP6 ") || bytes.starts_with("UNKNOWN");
}

std::string EncodeProxyV1(const ProxyFacts& facts) {
  const auto* from = facts.source ? std::get_if<IpPort>(&*facts.source) : nullptr;
  const auto* to = std::get_if<IpPort>(&facts.destination);
  if (from == nullptr || to == nullptr) return "PROXY UNKNOWN\r\n";
  const bool v4 = from->ip.is_v4() && to->ip.is_v4();
  const auto text = [v4](const Ip& ip) {
    return (!v4 && ip.is_v4() ? "::ffff:" : "") + ip.ToString();
  };
  return std::string("PROXY ") + (v4 ? "TCP4 " : "TCP6 ") + text(from->ip) + ' ' + text(to->ip) +
         ' ' + std::to_string(from->port) + ' ' + std::to_string(to->port) + "\r\n";
}

std::string EncodeProxyV2(const ProxyFacts& facts) {
  std::string body;
  std::uint8_t family = kUnspec;
  if (facts.source) family = AddAddresses(body, *facts.source, facts.destination);
  AddText(body, kAlpn, facts.alpn, kMaxValue);
  AddText(body, kAuthority, facts.authority, kMaxValue);
  AddText(body, kUniqueId, facts.unique_id, kMaxUniqueId);
  if (facts.tls) AddTls(body, *facts.tls);
  AddText(body, kUser, facts.user, kMaxValue);
  AddTlv(body, kCrc32c, std::string(4, '\0'));
  std::string header(kV2);
  header += static_cast<char>(facts.source ? kProxied : kLocal);
  header += static_cast<char>(family);
  Add16(header, body.size());
  header += body;
  std::string checksum;
  Add32(checksum, Crc32c(AsBytes(header)));
  return header.replace(header.size() - 4, 4, checksum);
}

std::uint32_t Crc32c(Bytes bytes) {
  static constexpr std::array<std::uint32_t, 256> kTable = MakeCrcTable();
  std::uint32_t crc = ~std::uint32_t{0};
  for (const std::byte byte : bytes)
    crc = kTable[(crc ^ static_cast<std::uint32_t>(byte)) & 0xff] ^ crc >> 8;
  return ~crc;
}

}  // namespace upgate
