// Sending file bodies: piece sizes, and changes of the file meanwhile.
#include <random>
#include <string>

#include <gtest/gtest.h>

#include "tests/support/temp_folder.h"
#include "tests/unit/plugins/plugin_fixture.h"

namespace upgate::plugins {
namespace {

constexpr std::size_t kPerTurn = 256 * 1024;

std::string RandomBytes(std::size_t size) {
  std::mt19937 random(1);
  std::string bytes(size, '\0');
  for (char& c : bytes) c = static_cast<char>(random());
  return bytes;
}

class FilesStreamTest : public PluginsTest {
 protected:
  FilesStreamTest() : content_(RandomBytes(1'000'000)) {
    route_.path = {config::PathPattern::Kind::kPrefix, "", "/*"};
    folder_ = site_.path();
    site_.Write("large.bin", content_);
    instance_ = Start("files", "{ root: . }");
  }
  void Begin() { handler_ = instance_->OnRequest(exchange_); }

  test::TempFolder site_;
  std::string content_;
  std::unique_ptr<plugin::Instance> instance_;
  FakeExchange exchange_{"GET", "/large.bin"};
  std::unique_ptr<http::ExchangeHandler> handler_;
};

TEST_F(FilesStreamTest, ATurnSendsAQuarterOfAMebibyteAtMost) {
  Begin();
  EXPECT_EQ(exchange_.length, content_.size());
  std::size_t before = 0;
  int turns = 0;
  do {
    EXPECT_LE(exchange_.response->body.size() - before, kPerTurn);
    before = exchange_.response->body.size();
    ++turns;
  } while (loop_.RunTurn());
  EXPECT_TRUE(exchange_.ended);
  EXPECT_EQ(exchange_.response->body, content_);
  EXPECT_GE(turns, 4);
}

TEST_F(FilesStreamTest, ACongestedClientIsWaitedFor) {
  exchange_.full = true;
  Begin();
  loop_.RunUntilIdle();
  EXPECT_EQ(exchange_.response->body.size(), 0u);
  exchange_.full = false;
  handler_->OnWritable();
  EXPECT_EQ(exchange_.response->body.size(), kPerTurn);
  exchange_.full = true;
  loop_.RunUntilIdle();
  EXPECT_EQ(exchange_.response->body.size(), kPerTurn);
  exchange_.full = false;
  handler_->OnWritable();
  loop_.RunUntilIdle();
  EXPECT_TRUE(exchange_.ended);
  EXPECT_EQ(exchange_.response->body, content_);
}

TEST_F(FilesStreamTest, TheFileIsClosedWithItsHandler) {
  const std::size_t before = test::OpenDescriptors();
  exchange_.full = true;
  Begin();
  EXPECT_EQ(test::OpenDescriptors(), before + 1);
  handler_.reset();
  EXPECT_EQ(test::OpenDescriptors(), before);
  loop_.RunUntilIdle();
}

TEST_F(FilesStreamTest, AHandlerThatIsGoneDoesNotComeBackOnTheNextTurn) {
  Begin();
  const std::size_t sent = exchange_.response->body.size();
  handler_.reset();
  loop_.RunUntilIdle();
  EXPECT_EQ(exchange_.response->body.size(), sent);
}

TEST_F(FilesStreamTest, AFileThatShrinksBreaksTheAnswerOff) {
  Begin();
  site_.Resize("large.bin", kPerTurn + 10);
  loop_.RunUntilIdle();
  EXPECT_TRUE(exchange_.aborted);
  EXPECT_FALSE(exchange_.ended);
  EXPECT_LE(exchange_.response->body.size(), kPerTurn + 10);
}

TEST_F(FilesStreamTest, OfAFileThatGrowsComesWhatWasAnnounced) {
  Begin();
  site_.Resize("large.bin", 2'000'000);
  loop_.RunUntilIdle();
  EXPECT_TRUE(exchange_.ended);
  EXPECT_EQ(exchange_.response->body, content_);
}

TEST_F(FilesStreamTest, LongRangesStreamToo) {
  exchange_.editable_request().headers.Add("Range", "bytes=100000-899999");
  Begin();
  loop_.RunUntilIdle();
  EXPECT_EQ(exchange_.length, 800'000u);
  EXPECT_EQ(exchange_.response->body, content_.substr(100'000, 800'000));
}

TEST_F(FilesStreamTest, AMultipartIsAsLongAsAnnounced) {
  exchange_.editable_request().headers.Add("Range", "bytes=0-399999,500000-,450000-450000");
  Begin();
  loop_.RunUntilIdle();
  EXPECT_TRUE(exchange_.ended);
  EXPECT_EQ(exchange_.length, exchange_.response->body.size());
  for (const auto& part : {content_.substr(0, 400'000), content_.substr(500'000)}) {
    EXPECT_NE(exchange_.response->body.find(part), std::string::npos);
  }
}

// Sizes around the buffer size, where the way of sending changes.
TEST_F(FilesStreamTest, EverySizeArrivesWhole) {
  for (const std::size_t size :
       {0uz, 1uz, 65535uz, 65536uz, 65537uz, 131072uz, kPerTurn - 1, kPerTurn, kPerTurn + 1}) {
    site_.Write("file.bin", std::string_view(content_).substr(0, size));
    FakeExchange exchange("GET", "/file.bin");
    const auto handler = instance_->OnRequest(exchange);
    loop_.RunUntilIdle();
    EXPECT_TRUE(exchange.ended) << size;
    EXPECT_EQ(exchange.response->body, content_.substr(0, size)) << size;
  }
}

}  // namespace
}  // namespace upgate::plugins
