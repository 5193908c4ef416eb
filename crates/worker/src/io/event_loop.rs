//! The loop that drives the core: it waits, reads the clock, feeds the core, and sends the core's
//! output.
//!
//! The poll is edge-triggered, so what is ready is remembered until it is drained. A turn does a
//! bounded amount of each kind of work: datagrams first, then the channel, with another look at the
//! clock in between. If work is left, the next turn continues with it, and its poll does not wait.
//! When nothing is ready and no deadline is set, the loop sleeps until something happens.

use std::io;
use std::os::fd::OwnedFd;
use std::time::Duration;

use mio::event::Event;
use mio::{Events, Poll};

use super::counters::REPORT_INTERVAL;
use super::pipe::{ChannelReader, ChannelWriter, Incoming};
use super::signals::Signals;
use super::sockets::Sockets;
use super::stderr::complain;
use super::sys_linux::monotonic_now;
use super::token::Source;
use super::turns::TurnMeter;
use super::usage::{resident_bytes, resource_usage};
use crate::channel::{self, Encoder};
use crate::messages::ProcessUsage;
use crate::output::Output;
use crate::time::Instant;
use crate::worker::{Drain, Drops, Worker};

/// The shell's descriptors that must be in place before there is a core.
pub(super) struct Shell {
    poll: Poll,
    signals: Signals,
    reader: ChannelReader,
    writer: ChannelWriter,
}

impl Shell {
    /// Polls both pipes of the channel and sets the signals' dispositions.
    ///
    /// # Errors
    ///
    /// The system's, if a descriptor cannot be polled.
    pub(super) fn new(from_controller: OwnedFd, to_controller: OwnedFd) -> io::Result<Self> {
        let poll = Poll::new()?;
        let signals = Signals::new(poll.registry())?;
        let reader = ChannelReader::new(from_controller, poll.registry())?;
        let writer = ChannelWriter::new(to_controller, poll.registry())?;
        Ok(Self {
            poll,
            signals,
            reader,
            writer,
        })
    }
}

/// A worker and its shell, running.
pub(super) struct EventLoop {
    shell: Shell,
    sockets: Sockets,
    worker: Worker,
    output: Output,
    encoder: Encoder,
    ending: Option<Ending>,
    turns: TurnMeter,
    /// When the core's drop counters were last looked at, and their values then.
    drops: (Instant, Drops),
}

/// Why the loop ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// The controller asked for it.
    Closed,
    /// The controller is gone, in the words given.
    ControllerGone(String),
    /// A signal asked for it.
    Signalled,
    /// The core gave up after a panic.
    Failed,
}

impl EventLoop {
    /// Puts `worker` into its shell.
    ///
    /// # Errors
    ///
    /// The system's, if the poll cannot be shared.
    pub(super) fn new(shell: Shell, worker: Worker) -> io::Result<Self> {
        let sockets = Sockets::new(shell.poll.registry())?;
        Ok(Self {
            shell,
            sockets,
            worker,
            output: Output::new(OUTPUT_SIZE),
            encoder: Encoder::new(),
            ending: None,
            turns: TurnMeter::default(),
            drops: (monotonic_now(), Drops::default()),
        })
    }

    /// Runs until the worker ends.
    ///
    /// # Errors
    ///
    /// The system's, if polling fails.
    pub(super) fn run(mut self) -> io::Result<Ending> {
        let mut events = Events::with_capacity(EVENTS);
        let mut now = monotonic_now();
        self.send_output(now);
        self.write_messages();
        loop {
            if let Some(ending) = self.ending.take() {
                self.finish(&ending, &mut events)?;
                return Ok(ending);
            }
            let wait = self.wait(now);
            self.poll(&mut events, wait)?;
            now = self.turn();
        }
    }

    /// How long the poll may wait; `None` is for ever.
    ///
    /// The poll counts in milliseconds and rounds up. So a wait never ends before its deadline,
    /// which would make the loop spin. It ends less than a millisecond late, and that is as fine as
    /// the core's pacing.
    fn wait(&mut self, now: Instant) -> Option<Duration> {
        let has_frames = self.shell.reader.has_work() && self.worker.wants_messages();
        if has_frames || self.sockets.has_work() {
            return Some(Duration::ZERO);
        }
        let core = self.worker.poll_timeout();
        if let Some((deadline, reason)) = core {
            tracing::trace!(?deadline, ?reason, "the core's next deadline");
        }
        let own = self.sockets.poll_timeout();
        let deadline = core.map(|(deadline, _)| deadline).into_iter().chain(own);
        Some(deadline.min()?.since(now))
    }

    fn poll(&mut self, events: &mut Events, wait: Option<Duration>) -> io::Result<()> {
        match self.shell.poll.poll(events, wait) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => events.clear(),
            result => result?,
        }
        for event in events.iter() {
            self.handle_event(event);
        }
        Ok(())
    }

    fn handle_event(&mut self, event: &Event) {
        // A broken or closed descriptor shows its error only when it is read or written.
        let is_readable = event.is_readable() || event.is_read_closed() || event.is_error();
        let is_writable = event.is_writable() || event.is_write_closed() || event.is_error();
        match Source::from_token(event.token()) {
            Some(Source::ChannelIn) => self.shell.reader.handle_readable(),
            Some(Source::ChannelOut) => self.shell.writer.flush(),
            Some(Source::Signals) => self.handle_signals(),
            Some(source) => self.sockets.handle_event(source, is_readable, is_writable),
            None => {}
        }
    }

    fn handle_signals(&mut self) {
        if self.shell.signals.next().is_some() {
            self.ending.get_or_insert(Ending::Signalled);
        }
    }

    /// One round: deadlines, then a few batches, then the channel. Says when it ended.
    fn turn(&mut self) -> Instant {
        let start = monotonic_now();
        self.expire(start);
        for _ in 0..BATCHES_PER_TURN {
            if !self.receive_batch() {
                break;
            }
        }
        // The core's time must not go back, and the batches were later than the start of this turn.
        let now = monotonic_now();
        while let Some(path) = self.sockets.poll_ended_path() {
            self.worker.handle_path_closed(now, path);
            self.send_output(now);
        }
        self.read_channel(now);
        self.sockets.report_losses(now);
        self.report_drops(now);
        self.write_messages();
        if self.worker.is_failed() {
            self.ending.get_or_insert(Ending::Failed);
        }
        if self.worker.is_closed() {
            self.ending.get_or_insert(Ending::Closed);
        }
        let end = monotonic_now();
        self.turns.add(end.since(start));
        end
    }

    /// Logs what the core has dropped, at most once a minute. It asks for no wake-up of its own;
    /// the last drops are reported with the next activity.
    fn report_drops(&mut self, now: Instant) {
        let (looked, reported) = self.drops;
        if now.since(looked) < REPORT_INTERVAL {
            return;
        }
        let drops = self.worker.drops();
        self.drops = (now, drops);
        if drops == reported {
            return;
        }
        if drops.is_ordinary_since(&reported) {
            tracing::debug!(target: "tureen::info", "dropped since the start: {drops}");
        } else {
            tracing::warn!(target: "tureen::info", "dropped since the start: {drops}");
        }
    }

    fn expire(&mut self, now: Instant) {
        self.sockets.handle_timeout(now);
        let deadline = self.worker.poll_timeout();
        if deadline.is_some_and(|(deadline, _)| deadline <= now) {
            self.worker.handle_timeout(now);
            self.send_output(now);
        }
    }

    /// Takes one batch through the core; `false` if there was none.
    fn receive_batch(&mut self) -> bool {
        let Some(now) = self.sockets.receive() else {
            return false;
        };
        loop {
            let is_taken = self.worker.handle_datagrams(now, self.sockets.batch_mut());
            self.send_output(now);
            self.write_messages();
            if is_taken {
                return true;
            }
        }
    }

    /// Feeds the core what the controller has sent, as long as it can answer.
    fn read_channel(&mut self, now: Instant) {
        for _ in 0..FRAMES_PER_TURN {
            if !self.worker.wants_messages() || self.worker.is_closed() {
                return;
            }
            match self.shell.reader.next_frame() {
                Some(Incoming::Frame(frame)) => {
                    match channel::decode(frame, || process_usage(&self.sockets, &self.turns)) {
                        Ok(message) => {
                            let binder = &mut self.sockets;
                            self.worker.handle_message(now, message, binder);
                            // Sockets that this message closed must be free for the next.
                            self.send_output(now);
                        }
                        Err(error) => complain(format_args!("ignoring a channel message: {error}")),
                    }
                }
                Some(Incoming::Unsound(error)) => {
                    complain(format_args!("ignoring a channel frame: {error}"));
                }
                None => {
                    if let Some(end) = self.shell.reader.end() {
                        let gone = Ending::ControllerGone(end.to_string());
                        self.ending.get_or_insert(gone);
                        return;
                    }
                    if !self.shell.reader.fill() {
                        return;
                    }
                }
            }
        }
    }

    /// Sends everything the core has to send, one buffer after the other.
    fn send_output(&mut self, now: Instant) {
        loop {
            let drained = self.worker.drain(now, &mut self.output);
            if !self.output.is_empty() {
                self.sockets.send(&self.output, now);
                self.output.clear();
            }
            match drained {
                Drain::Drained => break,
                Drain::More => {}
            }
        }
        self.sockets.close_retired();
    }

    /// Hands the core's messages to the pipe, as many as it takes.
    fn write_messages(&mut self) {
        loop {
            let mut is_done = false;
            while !self.shell.writer.is_full() && !is_done {
                match self.worker.poll_message() {
                    Some(message) => match self.encoder.encode(&message) {
                        Ok(frame) => self.shell.writer.queue(frame),
                        Err(error) => complain(format_args!("dropping a message: {error}")),
                    },
                    None => is_done = true,
                }
            }
            self.shell.writer.flush();
            if is_done || self.shell.writer.is_full() {
                return;
            }
        }
    }

    /// The orderly end. Peers are told of it, unless the core has failed.
    fn finish(&mut self, ending: &Ending, events: &mut Events) -> io::Result<()> {
        let now = monotonic_now();
        if *ending == Ending::Failed {
            // Nothing in the core can be relied on now, but its last log lines are useful.
            self.write_messages();
            return Ok(());
        }
        if *ending != Ending::Closed {
            self.worker.close(now);
            self.send_output(now);
            return Ok(());
        }
        self.send_output(now);
        // The controller has a short time to read the last messages.
        loop {
            self.write_messages();
            let left = FINAL_FLUSH.saturating_sub(monotonic_now().since(now));
            if self.shell.writer.pending() == 0 || left.is_zero() {
                return Ok(());
            }
            self.poll(events, Some(left))?;
        }
    }
}

/// What the shell tells of the process.
fn process_usage(sockets: &Sockets, turns: &TurnMeter) -> ProcessUsage {
    ProcessUsage {
        resources: resource_usage(),
        resident_bytes: resident_bytes(),
        dropped: sockets.losses().collect(),
        turns: turns.times(),
    }
}

/// What the core may queue before it is sent, in bytes.
const OUTPUT_SIZE: usize = 512 * 1024;

/// How many events one poll takes. Others come with the next.
const EVENTS: usize = 256;

/// How many batches are taken before the channel gets its turn.
const BATCHES_PER_TURN: usize = 4;

/// How many frames, and reads for them, are taken before the sockets get their turn.
const FRAMES_PER_TURN: usize = 64;

/// How long the last messages may take to leave.
const FINAL_FLUSH: Duration = Duration::from_secs(1);
