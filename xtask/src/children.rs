//! Programs that end when this one does.

use std::process::{Child, Command, ExitStatus};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};

/// Running programs, each with the programs it started in turn. All are stopped when this is dropped, and on Linux also
/// when this process is killed.
#[derive(Default)]
pub struct Children {
    running: Vec<(String, Child)>,
}

impl Children {
    /// Starts a program under a name for messages.
    pub fn spawn(&mut self, name: &str, mut command: Command) -> Result<&mut Child> {
        #[cfg(unix)]
        in_a_group_of_its_own(&mut command);
        let child = command
            .spawn()
            .with_context(|| format!("cannot start {name}"))?;
        self.running.push((name.to_owned(), child));
        let last = self.running.last_mut().map(|(_, child)| child);
        last.context("no child")
    }

    /// A program found to have ended by itself; each is told once.
    pub fn ended(&mut self) -> Option<(String, ExitStatus)> {
        let mut running = self.running.iter_mut().enumerate();
        let (index, status) =
            running.find_map(|(index, (_, child))| Some((index, child.try_wait().ok()??)))?;
        // What it started may have outlived it.
        let (name, mut child) = self.running.swap_remove(index);
        stop(&mut child, Urgency::Kill);
        Some((name, status))
    }
}

impl Drop for Children {
    fn drop(&mut self) {
        for (_, child) in &mut self.running {
            stop(child, Urgency::Ask);
        }
        let deadline = Instant::now() + GRACE;
        for (_, child) in &mut self.running {
            while matches!(child.try_wait(), Ok(None)) && Instant::now() < deadline {
                thread::sleep(Duration::from_millis(20));
            }
            // Also where the child has ended: it may have left programs of its own behind.
            stop(child, Urgency::Kill);
            let _ = child.wait();
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Urgency {
    Ask,
    Kill,
}

/// Signals the child and every program in its group.
#[cfg(unix)]
fn stop(child: &mut Child, urgency: Urgency) {
    use nix::sys::signal::{Signal, killpg};
    use nix::unistd::Pid;

    let signal = match urgency {
        Urgency::Ask => Signal::SIGTERM,
        Urgency::Kill => Signal::SIGKILL,
    };
    if let Ok(id) = i32::try_from(child.id()) {
        // An error says that nobody is left.
        let _ = killpg(Pid::from_raw(id), signal);
    }
}

#[cfg(not(unix))]
fn stop(child: &mut Child, urgency: Urgency) {
    if urgency == Urgency::Kill {
        let _ = child.kill();
    }
}

/// A group of its own can be signalled as a whole, and a Ctrl-C at the terminal reaches this process alone, which then
/// stops the children in order.
#[cfg(unix)]
fn in_a_group_of_its_own(command: &mut Command) {
    use std::os::unix::process::CommandExt;

    command.process_group(0);
    #[cfg(target_os = "linux")]
    {
        use nix::sys::{prctl, signal::Signal};

        // SAFETY: between fork and exec only one system call is made, which is async-signal-safe.
        unsafe {
            command
                .pre_exec(|| prctl::set_pdeathsig(Signal::SIGTERM).map_err(std::io::Error::from));
        }
    }
}

/// How long a program has to end when asked.
const GRACE: Duration = Duration::from_secs(3);
