#include "gateway/upgrade/session_query.h"

#include <memory>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace upgate::upgrade {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class SessionPageTest : public testing::Test {
 protected:
  static void Put(SessionPage& page, SessionRank rank) {
    if (!page.Offer(rank)) return;
    auto row = std::make_unique<SessionRow>();
    row->id = rank.id;
    page.Add(rank, std::move(row));
  }
  struct Seen {
    std::size_t total;
    std::vector<std::uint64_t> ids;
    std::optional<SessionRank> next;
  };
  static Seen Take(SessionPage page) {
    const std::size_t total = page.total();
    SessionPage::Rows rows = std::move(page).Take();
    Seen seen{total, {}, rows.next};
    for (const auto& row : rows.rows) seen.ids.push_back(row->id);
    return seen;
  }
  // Two loops, whose ids alternate.
  static Seen OfTwoLoops(const std::vector<SessionRank>& sessions, std::size_t limit,
                         SessionRank after) {
    SessionPage merged(limit, after);
    for (const std::uint64_t loop : {0, 1}) {
      SessionPage page(limit, after);
      for (const SessionRank& rank : sessions) {
        if (rank.id % 2 == loop) Put(page, rank);
      }
      merged.Merge(std::move(page));
    }
    return Take(std::move(merged));
  }
};

TEST_F(SessionPageTest, IsEmptyWithoutSessions) {
  const Seen seen = Take(SessionPage(10, {}));
  EXPECT_EQ(seen.total, 0u);
  EXPECT_THAT(seen.ids, IsEmpty());
  EXPECT_FALSE(seen.next);
}

TEST_F(SessionPageTest, PagesOverTwoLoopsShowEverySessionOnceInOrder) {
  const std::vector<SessionRank> sessions{{0, 4}, {0, 1}, {0, 7}, {0, 2}, {0, 9}};
  Seen seen = OfTwoLoops(sessions, 2, {});
  EXPECT_EQ(seen.total, 5u);
  EXPECT_THAT(seen.ids, ElementsAre(1, 2));
  ASSERT_TRUE(seen.next);
  seen = OfTwoLoops(sessions, 2, *seen.next);
  EXPECT_EQ(seen.total, 5u) << "of all pages";
  EXPECT_THAT(seen.ids, ElementsAre(4, 7));
  ASSERT_TRUE(seen.next);
  seen = OfTwoLoops(sessions, 2, *seen.next);
  EXPECT_THAT(seen.ids, ElementsAre(9));
  EXPECT_FALSE(seen.next);
}

TEST_F(SessionPageTest, ALastPageThatIsFullHasNoNext) {
  EXPECT_FALSE(OfTwoLoops({{0, 1}, {0, 2}}, 2, {}).next);
}

TEST_F(SessionPageTest, SortsByKeyAndThenById) {
  const std::vector<SessionRank> sessions{{30, 1}, {10, 4}, {20, 2}, {10, 3}};
  Seen seen = OfTwoLoops(sessions, 3, {});
  EXPECT_THAT(seen.ids, ElementsAre(3, 4, 2));
  ASSERT_TRUE(seen.next);
  EXPECT_THAT(OfTwoLoops(sessions, 3, *seen.next).ids, ElementsAre(1));
}

TEST_F(SessionPageTest, ARowIsWantedOnlyIfItFits) {
  SessionPage page(1, {0, 5});
  EXPECT_FALSE(page.Offer({0, 5})) << "on an earlier page";
  EXPECT_TRUE(page.Offer({0, 7}));
  page.Add({0, 7}, std::make_unique<SessionRow>());
  EXPECT_FALSE(page.Offer({0, 8})) << "nothing is copied for it";
  EXPECT_TRUE(page.Offer({0, 6}));
  EXPECT_EQ(page.total(), 4u);
}

}  // namespace
}  // namespace upgate::upgrade
