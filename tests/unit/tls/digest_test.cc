#include "gateway/tls/digest.h"

#include <string>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "gateway/base/base64.h"

namespace upgate::tls {
namespace {

std::string Hex(Bytes digest) {
  std::string hex;
  for (const std::byte byte : digest) hex += fmt::format("{:02x}", std::to_integer<unsigned>(byte));
  return hex;
}

// The vectors of FIPS 180.
TEST(Sha1Test, KnownDigests) {
  EXPECT_EQ(Hex(Sha1({})), "da39a3ee5e6b4b0d3255bfef95601890afd80709");
  EXPECT_EQ(Hex(Sha1(AsBytes("abc"))), "a9993e364706816aba3e25717850c26c9cd0d89d");
  EXPECT_EQ(Hex(Sha1(AsBytes(std::string(1'000'000, 'a')))),
            "34aa973cd4c4daa4f61eeb2bdbad27316534016f");
}

// RFC 6455, section 1.3.
TEST(Sha1Test, AcceptKeyOfTheStandard) {
  const auto digest = Sha1(AsBytes("dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
  EXPECT_EQ(Base64Encode(digest), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

// The vectors of RFC 1321.
TEST(Md5Test, KnownDigests) {
  EXPECT_EQ(Hex(Md5({})), "d41d8cd98f00b204e9800998ecf8427e");
  EXPECT_EQ(Hex(Md5(AsBytes("abc"))), "900150983cd24fb0d6963f7d28e17f72");
  EXPECT_EQ(Hex(Md5(AsBytes("message digest"))), "f96b697d7cb7938d525a2f31aaf161d0");
}

}  // namespace
}  // namespace upgate::tls
