//! Instants and wall clocks, and the only ways from one to the other.

use jiff::tz::Offset;

/// A moment, the same everywhere.
pub type Instant = jiff::Timestamp;

/// What a clock on a wall shows: a schedule's time, which is no moment until a place is known.
pub type Civil = jiff::civil::DateTime;

/// The platform's own clock: +08:00 all year.
pub const PLATFORM_OFFSET_MINUTES: i16 = 8 * 60;

const SECONDS_PER_MINUTE: i32 = 60;

/// What the platform's wall clock shows at `instant`.
pub fn platform_clock(instant: Instant) -> Civil {
    // 480 minutes are within every offset's range.
    offset(PLATFORM_OFFSET_MINUTES).unwrap_or(Offset::UTC).to_datetime(instant)
}

/// The moment at which a wall clock with this offset shows `civil`; `None` when the offset or the
/// moment is outside the calendar.
pub fn moment(civil: Civil, offset_minutes: i16) -> Option<Instant> {
    offset(offset_minutes)?.to_timestamp(civil).ok()
}

fn offset(minutes: i16) -> Option<Offset> {
    Offset::from_seconds(i32::from(minutes) * SECONDS_PER_MINUTE).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_platform_clock_is_eight_hours_ahead() {
        let instant: Instant = "2021-08-01T01:00:00Z".parse().unwrap();
        let civil = platform_clock(instant);
        assert_eq!(civil.to_string(), "2021-08-01T09:00:00");
        assert_eq!(moment(civil, PLATFORM_OFFSET_MINUTES), Some(instant));
        assert_eq!(moment(civil, i16::MAX), None);
    }
}
