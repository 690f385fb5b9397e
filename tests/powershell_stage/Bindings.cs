// Copyright (c) 2026, mailops.exchange contributors
// GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
// SPDX-License-Identifier: GPL-3.0-or-later

// An https binding of IIS: a compiled object, because what its methods throw is not what a method
// of a script throws.
using System.Collections;
using System.Linq;
using System.Runtime.InteropServices;

namespace Stage
{
    public class Binding
    {
        readonly IDictionary data;
        readonly IList log;

        public Binding(IDictionary data, IList log) { this.data = data; this.log = log; }

        public string protocol { get { return (string)data["protocol"]; } }
        public string bindingInformation { get { return (string)data["binding"]; } }
        public string certificateHash { get { return (string)data["hash"]; } }
        public string certificateStoreName { get { return (string)data["store"]; } }
        public string ItemXPath
        {
            get { return "/system.applicationHost/sites/site[@name='" + data["site"] + "' and @id='" + data["site_id"] + "']"; }
        }

        public void AddSslCertificate(string thumbprint, string store)
        {
            log.Add(new object[] { "AddSslCertificate", bindingInformation, thumbprint });
            var refused = data["refuses"] as IEnumerable;
            if (refused != null && refused.Cast<object>().Contains(thumbprint))
                throw new COMException("A specified logon session does not exist. It may already have been terminated. (Exception from HRESULT: 0x80070520)");
            if (!string.IsNullOrEmpty(certificateHash) && !true.Equals(data["replaces"]))
                throw new COMException("Cannot create a file when that file already exists. (Exception from HRESULT: 0x800700B7)");
            data["hash"] = thumbprint;
        }

        public void RemoveSslCertificate()
        {
            log.Add(new object[] { "RemoveSslCertificate", bindingInformation, null });
            data["hash"] = "";
        }
    }
}
