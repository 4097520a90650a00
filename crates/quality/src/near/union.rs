//! Groups of what is linked to each other, directly or through others (union-find).

/// Members 0..n and the groups that they are in.
#[derive(Clone, Debug)]
pub struct Groups {
    /// The parent of each member; roots are their own. The root of a group is its least member.
    parents: Vec<u32>,
}

impl Groups {
    /// `count` members, each in a group of its own.
    pub fn new(count: u32) -> Self {
        Self {
            parents: (0..count).collect(),
        }
    }

    /// The least member of a member's group.
    ///
    /// # Panics
    /// If there is no such member.
    pub fn root(&mut self, member: u32) -> u32 {
        let mut member = member;
        while self.parents[member as usize] != member {
            // Halves the path on the way.
            let next = self.parents[self.parents[member as usize] as usize];
            self.parents[member as usize] = next;
            member = next;
        }
        member
    }

    /// Puts two members, and so their groups, together.
    ///
    /// # Panics
    /// If there is no such member.
    pub fn join(&mut self, a: u32, b: u32) {
        let (a, b) = (self.root(a), self.root(b));
        self.parents[a.max(b) as usize] = a.min(b);
    }

    /// Whether two members are in one group.
    ///
    /// # Panics
    /// If there is no such member.
    pub fn joined(&mut self, a: u32, b: u32) -> bool {
        self.root(a) == self.root(b)
    }

    /// The groups of two members and more: members ascending, groups by their least member.
    pub fn into_groups(mut self) -> Vec<Vec<u32>> {
        let count = self.parents.len() as u32;
        let mut sizes = vec![0_u32; count as usize];
        for member in 0..count {
            sizes[self.root(member) as usize] += 1;
        }
        let mut groups: Vec<Vec<u32>> = Vec::new();
        let mut places = vec![u32::MAX; count as usize];
        for member in 0..count {
            let root = self.root(member) as usize;
            if sizes[root] < 2 {
                continue;
            }
            if places[root] == u32::MAX {
                places[root] = groups.len() as u32;
                groups.push(Vec::with_capacity(sizes[root] as usize));
            }
            groups[places[root] as usize].push(member);
        }
        groups
    }
}
