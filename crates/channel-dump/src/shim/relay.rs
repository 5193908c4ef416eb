//! The loop that passes everything on between controller and worker.

use std::io;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use tureen_channel_dump::Recorder;

use crate::link::{Link, Side};

/// Passes everything on until every link is closed. It does so without a recorder, too, and after
/// the recorder has failed.
///
/// A finished link is closed at once, because both sides wait for that.
pub(crate) fn run(links: [Link; 2], recorder: Option<&Recorder>) -> io::Result<()> {
    let mut links = links.map(Some);
    while links.iter().any(Option::is_some) {
        for (index, side, events) in wait(&links)? {
            if let Some(link) = &mut links[index] {
                link.handle(side, events, recorder);
            }
        }
        for link in &mut links {
            link.take_if(|link| link.is_done());
        }
    }
    Ok(())
}

/// The sides on which something is possible.
fn wait(links: &[Option<Link>; 2]) -> io::Result<Vec<(usize, Side, PollFlags)>> {
    let mut asked = Vec::new();
    let mut fds = Vec::new();
    for (index, link) in links.iter().enumerate() {
        for side in [Side::Controller, Side::Worker] {
            let interest = link.as_ref().and_then(|link| link.interest(side));
            if let Some((fd, events)) = interest {
                asked.push((index, side));
                fds.push(PollFd::new(fd, events));
            }
        }
    }
    match poll(&mut fds, PollTimeout::NONE) {
        Ok(_) | Err(Errno::EINTR) => {}
        Err(errno) => return Err(errno.into()),
    }
    let found = asked
        .into_iter()
        .zip(&fds)
        .filter_map(|((index, side), fd)| {
            let events = fd.revents().unwrap_or(PollFlags::empty());
            (!events.is_empty()).then_some((index, side, events))
        });
    Ok(found.collect())
}
