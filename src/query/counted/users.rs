//! The statements of questions about users over what is counted once: the users of closed days, and raw rows of the rest.

use super::{
    closed::{Closed, Piece},
    pieces::Pieces,
};
use crate::{
    query::{
        expression::sources,
        names::{MEASURED, Metric, Needs, ORG_OF_LOG},
        parts::{Parts, Sql, orgs_of_lines, raw_rows},
        question::Question,
        statement::{cohorts, grouped},
    },
    rollup::{Grain, Source},
    time::{self, Timestamp},
};

/// How a question about users is answered from what is counted.
#[derive(Debug)]
pub struct UserPlan {
    /// What is read.
    pub pieces: Pieces,
    /// Where the first instants of users are read.
    firsts: Pieces,
    sources: &'static [Source],
}

impl UserPlan {
    /// The plan of a question; none: it is about something else, or needs raw rows alone.
    pub fn of(question: &Question, closed: &Closed) -> Option<Self> {
        let is_of_users = |metric: &Metric| ["users", "sessions", "newUsers"].contains(&metric.name);
        let has_others = !question.fields.is_empty() || !question.filters.is_empty();
        if has_others || !question.metrics.iter().all(|metric| is_of_users(metric)) {
            return None;
        }
        let sources = sources(question.dataset);
        // A day that a step cuts is raw: nobody knows when in it a user came.
        let cuts: Vec<_> = question.spans.iter().flat_map(|span| [span.since, span.until]).collect();
        let is_cut = |day: Timestamp| cuts.iter().any(|cut| day < *cut && *cut < day + Grain::Day.length());
        let wanted = |grain, day| grain == Grain::Day && !is_cut(day);
        let counts_sessions = question.metrics.iter().any(|metric| metric.name == "sessions");
        let (mut pieces, mut firsts) = (Pieces::default(), Pieces::default());
        for source in sources {
            for (step, span) in question.spans.iter().enumerate() {
                let cut = closed.pieces(*source, span.since, span.until, wanted);
                // Sessions of several days, or of a day and of rows, cannot be added.
                let counts_sessions = counts_sessions && *source == Source::Events;
                let is_one = cut.len() == 1 && cut[0].until - cut[0].since == Grain::Day.length();
                if counts_sessions && cut.iter().any(|piece| piece.grain.is_some()) && !is_one {
                    return None;
                }
                pieces.0.extend(cut.into_iter().map(|piece| (*source, step, piece)));
            }
            let (first, last) = closed.days(*source).unwrap_or((time::END, time::END));
            let outer = [(time::FIRST, first), (last, time::END)];
            let outer = outer.into_iter().map(|(since, until)| Piece { grain: None, since, until });
            let inner = closed.pieces(*source, first, last, wanted);
            firsts.0.extend(outer.chain(inner).map(|piece| (*source, 0, piece)));
        }
        pieces.are_counted().then_some(Self { pieces, firsts, sources })
    }

    /// The users of each step, and of days the number of sessions. `with_firsts`: and the first instant of each user.
    pub fn parts(&self, question: &Question, org_metadata: &str, with_firsts: bool) -> Parts {
        let mut parts = Parts::of(question, org_metadata);
        parts.add_pieces("pieces", &self.pieces.value(&question.spans));
        if with_firsts {
            parts.add_pieces("all_pieces", &self.firsts.value(&question.spans));
        }
        for source in self.sources {
            let orgs = orgs_of_lines(*source, "rollup_users", "");
            parts.add(&format!("orgs_of_{}(org) AS MATERIALIZED", source.name()), &orgs);
        }
        for source in self.sources {
            let arms = [
                lines(*source, "pieces", "pieces.step, r.user_id, NULL, 0"),
                sessions(*source, question.org.is_some()),
                rows(*source, "pieces", &|user, session| format!("pieces.step, {user}, {session}, 0")),
            ];
            let name = format!("parts_of_{}(step, user_id, session_id, sessions) AS", source.name());
            parts.add(&name, &format!("  {}", arms.join("\n  UNION ALL\n  ")));
        }
        parts.add_union("parts", self.sources.iter().copied());
        if with_firsts {
            self.add_firsts(&mut parts);
        }
        parts
    }

    /// The first instant of each user: of closed days their beginning.
    fn add_firsts(&self, parts: &mut Parts) {
        for source in self.sources {
            let arms = [
                lines(*source, "all_pieces", "r.user_id, r.day"),
                rows(*source, "all_pieces", &|user, _| format!("{user}, r.created_at")),
            ];
            let name = format!("users_of_{}(user_id, at) AS", source.name());
            parts.add(&name, &format!("  {}", arms.join("\n  UNION ALL\n  ")));
        }
        parts.add_union("users", self.sources.iter().copied());
        parts.add("firsts AS", "  SELECT user_id, min(at) AS first FROM users GROUP BY user_id");
    }

    /// The statement of the answer. A user is counted once for a step, however many days of it tell of the user.
    pub fn statement(&self, question: &Question, org_metadata: &str) -> Sql {
        let needs_firsts = question.metrics.iter().any(|metric| metric.needs == Needs::Firsts);
        let mut parts = self.parts(question, org_metadata, needs_firsts);
        parts.add("active AS MATERIALIZED", "  SELECT DISTINCT step, user_id FROM parts");
        let sessions = "  SELECT step, count(DISTINCT session_id) + sum(sessions) AS sessions FROM parts\n  \
                        WHERE session_id IS NOT NULL OR sessions > 0 GROUP BY step";
        parts.add("sessions_of_steps AS MATERIALIZED", sessions);
        let firsts = if needs_firsts { " LEFT JOIN firsts USING (user_id)" } else { "" };
        let from = format!("active JOIN steps USING (step){firsts} LEFT JOIN sessions_of_steps USING (step)");
        let sql = |metric: &Metric| match metric.name {
            "users" => "count(user_id)",
            "sessions" => "max(sessions)",
            _ => "count(*) FILTER (WHERE first >= since AND first < until)",
        };
        grouped(parts, question, &from, sql, None)
    }

    /// The statement of cohorts.
    pub fn cohorts(&self, question: &Question, org_metadata: &str) -> Sql {
        cohorts(self.parts(question, org_metadata, true), question, "parts")
    }
}

/// The users of the closed days among pieces.
fn lines(source: Source, pieces: &str, columns: &str) -> String {
    let name = source.name();
    format!(
        "SELECT {columns} FROM orgs_of_{name} CROSS JOIN {pieces} CROSS JOIN rollup_users AS r\n  \
         WHERE {pieces}.source = '{name}' AND {pieces}.grain = 'day' AND r.source = '{name}' AND r.org = orgs_of_{name}.org \
         AND r.named = 1 AND r.day >= since AND r.day < until"
    )
}

/// The sessions of the closed days among pieces.
fn sessions(source: Source, is_of_org: bool) -> String {
    if source == Source::Logs {
        return "SELECT 0, NULL, NULL, 0 WHERE false".into();
    }
    let place = if is_of_org { "r.together = 0 AND r.org = ?2" } else { "r.together = 1 AND r.org = ''" };
    format!(
        "SELECT pieces.step, NULL, NULL, r.sessions FROM pieces CROSS JOIN rollups AS r\n  \
         WHERE pieces.source = 'events' AND pieces.grain = 'day' AND r.source = 'events' AND r.grain = 'day' \
         AND r.level = 1 AND {place} AND r.start >= since AND r.start < until"
    )
}

/// The raw rows among pieces. `columns` are given a row's user and session.
fn rows(source: Source, pieces: &str, columns: &dyn Fn(&str, &str) -> String) -> String {
    let of = |column: &str| {
        let (_, events, logs) = MEASURED.iter().find(|(name, ..)| *name == column).copied().unwrap_or_default();
        if source == Source::Events { events } else { logs }
    };
    let org = match source {
        Source::Events => String::new(),
        Source::Logs => format!(" AND (?2 IS NULL OR {ORG_OF_LOG} = ?2)"),
    };
    format!("SELECT {} {}{org}", columns(of("user_id"), of("session_id")), raw_rows(source, pieces))
}
