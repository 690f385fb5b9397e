// Copyright (c) 2026, mailops.exchange contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// What do the drives Cert: and IIS: show? Their items are data of the variable $stage; which items
// are there, and what is said of one that is not, is PowerShell's own.
using System;
using System.Collections;
using System.Collections.Generic;
using System.Linq;
using System.Management.Automation;
using System.Management.Automation.Provider;

namespace Stage
{
    public abstract class DataProvider : NavigationCmdletProvider
    {
        // Where the items are, as path of the drive, and the key of $stage that lists them.
        protected abstract string Folder { get; }
        protected abstract string Key { get; }
        protected abstract string NameOf(object item);

        static string[] Parts(string path)
        {
            return path.Split(new[] { '/', '\\' }, StringSplitOptions.RemoveEmptyEntries);
        }

        IEnumerable<object> Items()
        {
            var stage = (IDictionary)PSObject.AsPSObject(SessionState.PSVariable.GetValue("stage")).BaseObject;
            foreach (object item in (IEnumerable)stage[Key]) yield return item;
        }

        bool IsFolder(string path)
        {
            string wanted = string.Join("/", Parts(path));
            return (Folder + "/").StartsWith(wanted.Length == 0 ? "" : wanted + "/", StringComparison.OrdinalIgnoreCase);
        }

        object Find(string path)
        {
            string[] parts = Parts(path);
            int depth = Folder.Split('/').Length;
            if (parts.Length != depth + 1) return null;
            if (!IsFolder(string.Join("/", parts.Take(depth)))) return null;
            return Items().FirstOrDefault(i => string.Equals(NameOf(i), parts[depth], StringComparison.OrdinalIgnoreCase));
        }

        protected override bool IsValidPath(string path) { return true; }
        protected override bool ItemExists(string path) { return IsFolder(path) || Find(path) != null; }
        protected override bool IsItemContainer(string path) { return IsFolder(path); }

        protected override void GetItem(string path)
        {
            object item = Find(path);
            if (item != null) WriteItemObject(item, path, false);
        }

        protected override void GetChildItems(string path, bool recurse)
        {
            if (string.Join("/", Parts(path)).Equals(Folder, StringComparison.OrdinalIgnoreCase))
                foreach (object item in Items()) WriteItemObject(item, path + "/" + NameOf(item), false);
        }
    }

    [CmdletProvider("Certificate", ProviderCapabilities.None)]
    public class CertificateProvider : DataProvider
    {
        protected override string Folder { get { return "LocalMachine/My"; } }
        protected override string Key { get { return "certificates"; } }
        protected override string NameOf(object item) { return (string)PSObject.AsPSObject(item).Properties["Thumbprint"].Value; }
    }

    [CmdletProvider("WebAdministration", ProviderCapabilities.None)]
    public class WebProvider : DataProvider
    {
        protected override string Folder { get { return "AppPools"; } }
        protected override string Key { get { return "app_pools"; } }
        protected override string NameOf(object item) { return (string)PSObject.AsPSObject(item).Properties["name"].Value; }
    }
}
