// Files and redirects through the whole gateway.
#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/pipeline/test_gateway.h"
#include "tests/support/cases.h"
#include "tests/support/temp_folder.h"

namespace upgate::test::files_test {
namespace {

std::string RandomBytes(std::size_t size) {
  std::mt19937 random(2);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

const std::string& Mebibyte() {
  static const std::string bytes = RandomBytes(1 << 20);
  return bytes;
}

struct Site {
  Site() {
    folder.Write("index.html", "home");
    folder.Write("sub/index.html", "sub");
    folder.Write("large.bin", Mebibyte());
    folder.Write("huge.bin", "");
    folder.Resize("huge.bin", 16 << 20);
  }
  std::string Config() const {
    const std::string root = "root: \"" + folder.path().string() + "\"";
    return "routes:\n"
           "  - { path: /*, plugin: files, options: { " +
           root +
           ", fallback: index.html } }\n"
           "  - { path: /cors/*, plugin: files, options: { " +
           root +
           ", precompressed: true }, cors: { allow_origins: [ https://b.example ] } }\n"
           "  - { path: /old/*, plugin: redirect, options: { to: "
           "\"https://{host}/new{rest}?{query}\", status: 301 } }\n";
  }
  TempFolder folder;
};

std::string Get(std::string_view target, std::string_view extra = {},
                std::string_view method = "GET") {
  return std::string(method) + " " + std::string(target) + " HTTP/1.1\r\nHost: a.example\r\n" +
         std::string(extra) + "\r\n";
}

class FilesPipeline : public TestOfCase<std::size_t> {};
INSTANTIATE_CASES(BytesPerRead, FilesPipeline, 1, 7, 65536);

TEST_EACH(FilesPipeline, PipelinedRequestsAreAnsweredInOrderAndWhole) {
  const Site site;
  TestGateway gw(site.Config(), {.read_chunk = GetParam()});
  auto client = gw.Connect();
  client.Send(Get("/large.bin") + Get("/") + Get("/large.bin", "", "HEAD") +
              Get("/large.bin", "Range: bytes=5-9\r\n") + Get("/nothing") + Get("/large.bin") +
              Get("/sub/"));
  ResponseHead head = client.Head();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.Get("content-length"), "1048576");
  EXPECT_TRUE(client.Body(head) == Mebibyte());
  head = client.Head();
  EXPECT_EQ(client.Body(head), "home");
  head = client.Head();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.Get("content-length"), "1048576");
  head = client.Head();
  EXPECT_EQ(head.status, 206);
  EXPECT_EQ(head.Get("content-range"), "bytes 5-9/1048576");
  EXPECT_EQ(client.Body(head), Mebibyte().substr(5, 5));
  head = client.Head();
  EXPECT_EQ(head.status, 404);
  client.Body(head);
  head = client.Head();
  EXPECT_TRUE(client.Body(head) == Mebibyte());
  head = client.Head();
  EXPECT_EQ(client.Body(head), "sub");
}

TEST(FilesThroughTheGateway, ASlowReaderDelaysTheFileAndTakesNoMemory) {
  const Site site;
  TestGateway gw(site.Config(), {.send_buffer = 64 * 1024});
  auto client = gw.Connect();
  client.peer().Stall();
  client.Send(Get("/huge.bin"));
  std::size_t held = 0;
  for (MemoryStream* stream : gw.network().Streams()) held += stream->queued();
  EXPECT_GT(held, io::kHighMark);
  EXPECT_LE(held, io::kHighMark + 64 * 1024);
  client.peer().Resume();
  gw.loop().RunUntilIdle();
  const ResponseHead head = client.Head();
  EXPECT_EQ(client.Body(head).size(), 16u << 20);
}

TEST(FilesThroughTheGateway, ASlowReaderIsNotAStalledOne) {
  const Site site;
  TestGateway gw(site.Config(), {.send_buffer = 64 * 1024});
  auto client = gw.Connect();
  std::size_t taken = 0;
  client.peer().OnReceive([&](TestPeer& self, std::string_view bytes) {
    taken += bytes.size();
    if (taken >= 256 * 1024) self.Stall();
  });
  client.Send(Get("/huge.bin"));
  while (client.peer().received().size() < 16u << 20 && !client.peer().done()) {
    gw.loop().Advance(std::chrono::seconds(40));
    taken = 0;
    client.peer().Resume();
    gw.loop().RunUntilIdle();
  }
  client.peer().Resume();  // the last bytes
  gw.loop().RunUntilIdle();
  EXPECT_FALSE(client.peer().error().has_value());
  EXPECT_EQ(client.Body(client.Head()).size(), 16u << 20);
}

TEST(FilesThroughTheGateway, TwoDownloadsShareTheLoop) {
  const Site site;
  TestGateway gw(site.Config(), {.send_buffer = 16 << 20});
  auto first = gw.Connect();
  auto second = gw.Connect();
  first.peer().Send(Get("/huge.bin"));
  second.peer().Send(Get("/huge.bin"));
  std::size_t apart = 0;
  while (gw.loop().RunTurn()) {
    const std::size_t a = first.peer().received().size(), b = second.peer().received().size();
    apart = std::max(apart, a > b ? a - b : b - a);
  }
  EXPECT_GT(second.peer().received().size(), 16u << 20);
  EXPECT_LE(apart, 1u << 20);
}

TEST(FilesThroughTheGateway, AClientThatLeavesClosesTheFile) {
  const Site site;
  TestGateway gw(site.Config(), {.send_buffer = 64 * 1024});
  const std::size_t before = OpenDescriptors();
  auto resets = gw.Connect();
  auto closes = gw.Connect();
  auto sleeps = gw.Connect();
  for (GatewayClient* client : {&resets, &closes, &sleeps}) {
    client->peer().Stall();
    client->Send(Get("/huge.bin"));
  }
  EXPECT_EQ(OpenDescriptors(), before + 3);
  resets.peer().Reset();
  closes.peer().Close();
  gw.loop().RunUntilIdle();
  EXPECT_EQ(OpenDescriptors(), before + 1);
  // The third never reads again, until the connection's own timeout ends it.
  gw.loop().Advance(std::chrono::minutes(5));
  EXPECT_EQ(OpenDescriptors(), before);
  EXPECT_EQ(gw.listener_stats().connections_open.Get(), 0u);
}

TEST(FilesThroughTheGateway, AFileThatShrinksIsCutOffAndNeverLooksWhole) {
  const Site site;
  TestGateway gw(site.Config(), {.send_buffer = 64 * 1024});
  const std::size_t before = OpenDescriptors();
  auto client = gw.Connect();
  client.peer().Stall();
  client.Send(Get("/huge.bin"));
  site.folder.Resize("huge.bin", 1 << 20);
  client.peer().Resume();
  gw.loop().RunUntilIdle();
  EXPECT_TRUE(client.peer().error());
  EXPECT_FALSE(client.peer().ended());
  EXPECT_LE(client.peer().received().size(), (1u << 20) + 1000);
  EXPECT_EQ(OpenDescriptors(), before);
}

TEST(FilesThroughTheGateway, EveryFailureOfTheConnectionClosesTheFile) {
  const Site site;
  const std::size_t before = OpenDescriptors();
  // Fails the n-th operation of the connection (0: none); returns the number of operations.
  const auto run = [&](std::uint64_t nth) {
    TestGateway gw(site.Config(), {.send_buffer = 64 * 1024});
    const std::size_t serving = OpenDescriptors();
    auto client = gw.Connect();
    const std::uint64_t begin = gw.network().operations();
    if (nth > 0) gw.network().FailOperation(nth);
    client.Send(Get("/large.bin") + Get("/sub") +
                Get("/large.bin", "Range: bytes=0-9,20-300000\r\n"));
    EXPECT_EQ(gw.network().operation_failed(), nth > 0) << nth;
    EXPECT_EQ(OpenDescriptors(), serving) << "failure " << nth;
    return gw.network().operations() - begin;
  };
  const std::uint64_t operations = run(0);
  EXPECT_GT(operations, 10u);
  for (std::uint64_t nth = 1; nth <= operations; ++nth) run(nth);
  EXPECT_EQ(OpenDescriptors(), before);
}

// As targets on the wire, so that the parser sees them first.
TEST(FilesThroughTheGateway, NoTargetLeavesTheRoot) {
  const Site site;
  TempFolder outside;
  outside.Write("secret", "secret");
  site.folder.Link("out", outside.path());
  const std::string name = outside.path().filename().string();
  const std::string file = outside.At("secret");
  TestGateway gw(site.Config());
  for (const std::string& target :
       std::vector<std::string>{"/../" + name + "/secret",
                                "/sub/../../" + name + "/secret",
                                "/%2e%2e/" + name + "/secret",
                                "/.%2E/" + name + "/secret",
                                "/..%2f" + name + "%2fsecret",
                                "/..%5c" + name + "%5csecret",
                                "/..\\" + name + "\\secret",
                                "/%252e%252e/" + name + "/secret",
                                "/%c0%ae%c0%ae/" + name + "/secret",
                                "/..;/" + name + "/secret",
                                "//" + name + "/secret",
                                file,
                                "/" + file,
                                "//" + file,
                                "/%2f" + file,
                                "/./" + file,
                                "/sub/..%00/secret",
                                "/out/secret",
                                "/out/../" + name + "/secret",
                                "/...",
                                "http://a.example/../" + name + "/secret",
                                "/sub//..//..//" + name + "/secret"}) {
    auto client = gw.Connect();
    client.Send(Get(target));
    const ResponseHead head = client.Head();
    EXPECT_TRUE(head.status == 404 || head.status == 400) << target << ": " << head.status;
    EXPECT_EQ(client.Body(head).find("secret"), std::string::npos) << target;
  }
}

TEST(FilesThroughTheGateway, FieldsOfTheRoutesPolicyJoinTheAnswers) {
  const Site site;
  TestGateway gw(site.Config());
  auto client = gw.Connect();
  client.Send(Get("/cors/index.html", "Origin: https://b.example\r\n"));
  ResponseHead head = client.Head();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.Get("access-control-allow-origin"), "https://b.example");
  std::vector<std::string> vary;
  for (const auto& [name, value] : head.headers) {
    if (name == "Vary") vary.push_back(value);
  }
  EXPECT_EQ(vary, (std::vector<std::string>{"Accept-Encoding", "Origin"}));
  client.Body(head);
  client.Send(Get("/cors/index.html", "Origin: https://c.example\r\n"));
  EXPECT_EQ(client.Head().status, 403);
}

TEST(FilesThroughTheGateway, AnUpgradeIsAnsweredLikeAnyRequest) {
  const Site site;
  TestGateway gw(site.Config());
  auto client = gw.Connect();
  ResponseHead head = client.Upgrade("/sub/");
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(client.Body(head), "sub");
  EXPECT_EQ(gw.log().Last("handshake refused", "path"), "/sub/");
  EXPECT_NE(gw.log().Last("handshake refused", "why").find("files"), std::string::npos);
  auto other = gw.Connect();
  EXPECT_EQ(other.Upgrade("/old/x").status, 301);
  EXPECT_EQ(gw.log().Last("handshake refused", "route"), "/old/*");
  EXPECT_EQ(gw.log().Count("handshake refused"), 2u);
}

TEST(FilesThroughTheGateway, AGetWithABodyIsAnsweredAndTheBodyDiscarded) {
  const Site site;
  TestGateway gw(site.Config());
  auto client = gw.Connect();
  client.Send(Get("/large.bin", "Content-Length: 5\r\n") + "01234" + Get("/sub/"));
  ResponseHead head = client.Head();
  EXPECT_TRUE(client.Body(head) == Mebibyte());
  head = client.Head();
  EXPECT_EQ(client.Body(head), "sub");
}

TEST(RedirectThroughTheGateway, SendsClientsElsewhere) {
  const Site site;
  TestGateway gw(site.Config());
  auto client = gw.Connect();
  client.Send(Get("/old/a%20b/../c?x=%0d%0aSet-Cookie:%20y") + Get("/old") + Get("/sub"));
  ResponseHead head = client.Head();
  EXPECT_EQ(head.status, 301);
  EXPECT_EQ(head.Get("location"), "https://a.example/new/c?x=%0d%0aSet-Cookie:%20y");
  EXPECT_EQ(head.Count("set-cookie"), 0u);
  client.Body(head);
  head = client.Head();
  EXPECT_EQ(head.Get("location"), "https://a.example/new/");
  client.Body(head);
  head = client.Head();
  EXPECT_EQ(head.status, 301);
  EXPECT_EQ(head.Get("location"), "./sub/");
}

}  // namespace
}  // namespace upgate::test::files_test
